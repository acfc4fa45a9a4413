/// A finding as `--json` prints it.
struct FindingReport: Decodable {
  let severity: String
  let code: String
  let record: String?
  let offset: Int?
  let keyPath: String?
  let message: String
}

import PthCodec
import Tensors

// block
/// Rows of numbers parted by commas: one float32 tensor.
struct NumberRows: CheckpointFormat {
  let descriptor = FormatDescriptor(
    id: .csv,
    suffixes: ["csv"],
    canRead: true,
    canWrite: false,
    summary: "rows of numbers"
  )

  func recognizes(_ input: CheckpointInput) -> Bool {
    input.fileName.hasSuffix(".csv")
  }

  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    let text = try input.mappedFile().withUnsafeBytes {
      String(decoding: $0, as: UTF8.self)
    }
    var numbers: [Float] = []
    var columns: Int?
    let rows = text.split(whereSeparator: \.isNewline)
    for (index, row) in rows.enumerated() {
      let fields = row.split(separator: ",")
      guard fields.count == columns ?? fields.count else {
        throw CheckpointError(
          .damaged,
          "row \(index) has \(fields.count) numbers, the first \(columns ?? 0)",
          file: input.path
        )
      }
      columns = fields.count
      for field in fields {
        guard let number = Float(field) else {
          throw CheckpointError(
            .damaged,
            "row \(index) has \(field) where a number should be",
            file: input.path
          )
        }
        numbers.append(number)
      }
    }
    return try Checkpoint(
      format: .csv,
      tensors: [
        Checkpoint.bareTensorName: Tensor(
          numbers,
          shape: [rows.count, columns ?? 0]
        )
      ]
    )
  }
}
// end

/// The blocks of "Add a format".
func addAFormat() throws {
  // block
  let checkpoint = try NumberRows().read(
    CheckpointInput("rows.csv"),
    options: ReadOptions()
  )
  try checkpoint.save(to: "rows.pth")
  // end
}

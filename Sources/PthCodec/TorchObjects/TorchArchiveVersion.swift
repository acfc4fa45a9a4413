/// The version of a zip archive of PyTorch, as its record `version` tells it.
enum TorchArchiveVersion {
  /// What PyTorch reads: see `kMinSupportedFileFormatVersion` and
  /// `kMaxSupportedFileFormatVersion` in `caffe2/serialize/versions.h`.
  static let readable = 1...10

  /// Whether PyTorch reads an archive whose `version` holds this text: it takes
  /// the digits at the beginning, and nothing else.
  static func isReadable(_ text: String) -> Bool {
    let digits = text.drop { $0 == " " }.prefix { $0.isNumber }
    return readable.contains(Int(digits) ?? 0)
  }
}

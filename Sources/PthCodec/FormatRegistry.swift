internal import Tensors

/// The list of formats, in the order in which they are tried.
public enum FormatRegistry {
  /// Every format that can be read or written.
  static let formats: [any CheckpointFormat] = [
    PytorchZip(), TorchScript(), PytorchLegacy(),
    PytorchTar(), PytorchSharded(), DCPFormat(),
    SafetensorsFormat(), NPYFormat(), NPZFormat(), GGUFFormat(),
    ONNXFormat(), CSVFormat(), IDXFormat(),
  ]

  /// What each format can do.
  public static var descriptors: [FormatDescriptor] {
    formats.map(\.descriptor)
  }

  /// The format that `--from` or `--to` name.
  ///
  /// - Parameter name: A format's own name, or another name for it.
  /// - Returns: The format, nil for an unknown name.
  public static func format(named name: String) -> FormatID? {
    descriptors.first { $0.id.rawValue == name || $0.aliases.contains(name) }?
      .id
  }

  /// The format that a path's suffix names.
  ///
  /// - Parameter path: The path of a file to be written.
  /// - Returns: The format.
  /// - Throws: ``CheckpointError`` where the suffix says none.
  public static func format(
    forPath path: String
  ) throws(CheckpointError) -> FormatID {
    try writer(forPath: path, as: nil).descriptor.id
  }

  /// The reader for an input's content.
  static func reader(
    for input: CheckpointInput,
    as id: FormatID?
  ) throws(CheckpointError) -> any CheckpointFormat {
    let format = formats.first { format in
      id.map { $0 == format.descriptor.id } ?? format.recognizes(input)
    }
    guard let format else { throw ForeignContent.error(for: input) }
    return format
  }

  /// The usual endings of what can be written.
  private static var endings: String {
    descriptors.filter(\.canWrite).compactMap(\.suffixes.first)
      .map { "." + $0 }.joined(separator: ", ")
  }

  /// The writer for a path's suffix.
  static func writer(
    forPath path: String,
    as id: FormatID?
  ) throws(CheckpointError) -> any CheckpointFormat {
    let name = (path.split(separator: "/").last.map(String.init) ?? path)
      .lowercased()
    let format =
      if let id {
        formats.first { $0.descriptor.id == id }
      } else {
        formats.first { format in
          format.descriptor.canWrite
            && format.descriptor.suffixes.contains { suffix in
              // MNIST's own names end in -ubyte.gz.
              name.hasSuffix("." + suffix) || name.hasSuffix("-" + suffix)
            }
        }
      }
    guard let format else {
      throw CheckpointError(
        .unknownFormat,
        "the name's ending says no format that can be written",
        file: path,
        hint: name.hasSuffix(".png")
          ? "`pth show --png` draws a picture"
          : "end it in one of \(endings), or name a format with --to"
      )
    }
    return format
  }
}

public import Tensors

/// A file or folder to be read.
public struct CheckpointInput: Sendable {
  /// The path as it was given.
  public let path: String

  /// The file's bytes; nil for a folder.
  public let file: MappedFile?

  /// The first bytes, at most 512; empty for a folder.
  public let head: [UInt8]

  /// The directory of a zip archive, read once for all who ask.
  let zip: ZipMemo

  /// Opens a file, or takes a folder as it is.
  ///
  /// - Parameter path: The path of a file or folder.
  /// - Throws: `FileError` for what can't be opened.
  public init(_ path: String) throws(FileError) {
    self.path = path
    do {
      let file = try MappedFile.open(path)
      self.file = file
      head = unsafe file.withUnsafeBytes { unsafe Array($0.prefix(512)) }
    } catch let error where error.isFolder {
      file = nil
      head = []
    }
    zip = ZipMemo(file)
  }

  /// The last part of the path.
  public var fileName: String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// The mapped file, for a format whose checkpoints are files.
  ///
  /// - Returns: The file.
  /// - Throws: ``CheckpointError`` for a folder.
  public func mappedFile() throws(CheckpointError) -> MappedFile {
    guard let file else {
      throw CheckpointError(
        .unknownFormat,
        "it is a folder, not a file",
        file: path
      )
    }
    return file
  }
}

internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The content of a folder.
enum FolderList {
  /// The names in a folder, sorted, hidden ones too.
  ///
  /// - Throws: `FileError` where the folder can't be read.
  static func files(_ path: String) throws(FileError) -> [String] {
    guard let stream = unsafe opendir(path) else {
      throw FileError(.open, path: path, code: errno)
    }
    defer { _ = unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}

/// A record's name inside its archive's root folder.
package enum RecordName: Sendable, Hashable {
  /// Any name.
  case text(String)
  /// `data/N`, as PyTorch calls the storage of that number: no text is made
  /// for each of ten thousand.
  case storage(Int)

  /// The record of the object itself.
  static let pickle = "data.pkl"

  /// The folder of the storages.
  static let folder = "data/"

  /// The whole name.
  package var text: String {
    switch self {
    case .text(let text): text
    case .storage(let number): "\(Self.folder)\(number)"
    }
  }

  /// Its length in bytes.
  var count: Int {
    switch self {
    case .text(let text): text.utf8.count
    case .storage(let number):
      Self.folder.utf8.count + decimalDigitCount(of: number)
    }
  }

  /// Calls `body` with the name's UTF-8 bytes, in one piece or two.
  @inline(__always)
  func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) {
    switch self {
    case .text(var text):
      text.withUTF8 { unsafe body(UnsafeRawBufferPointer($0)) }
    case .storage(let number):
      var folder = Self.folder
      folder.withUTF8 { unsafe body(UnsafeRawBufferPointer($0)) }
      unsafe withDecimalDigits(of: number) { unsafe body($0) }
    }
  }

  /// The number of the storage that is called so; nil for other names.
  var storageNumber: Int? {
    switch self {
    case .storage(let number): return number
    case .text(let text):
      guard isInStorageFolder,
        case .number(let number) = StorageKey(
          String(text.dropFirst(Self.folder.count))
        )
      else { return nil }
      return number
    }
  }

  /// Whether the name may be a storage's.
  var isInStorageFolder: Bool {
    switch self {
    case .storage: true
    case .text(let text): text.utf8.starts(with: Self.folder.utf8)
    }
  }
}

extension RecordName: ExpressibleByStringLiteral {
  package init(stringLiteral text: String) { self = .text(text) }
}

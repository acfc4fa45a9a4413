internal import Pickle

/// The key of a storage: a number in decimal digits, as PyTorch writes them, or
/// any text.
///
/// A number has only this form, so that equal keys are equal values.
enum StorageKey: Hashable, Sendable {
  case number(Int)
  case text(String)

  /// The key of these UTF-8 bytes; nil where they are not a number of at most
  /// nine digits as Python writes it.
  init?(digits: UnsafeRawBufferPointer) {
    guard let first = unsafe digits.first, digits.count <= 9,
      first != UInt8(ascii: "0") || digits.count == 1
    else { return nil }
    var number = 0
    for index in 0..<digits.count {
      let digit = unsafe digits[index]
      guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else {
        return nil
      }
      number = number &* 10 &+ Int(digit &- UInt8(ascii: "0"))
    }
    self = .number(number)
  }

  /// A key as text.
  init(_ text: String) {
    var utf8 = text
    let number = utf8.withUTF8 {
      unsafe StorageKey(digits: UnsafeRawBufferPointer($0))
    }
    self = number ?? .text(text)
  }

  /// The key as text.
  var text: String {
    switch self {
    case .number(let number): String(number)
    case .text(let text): text
    }
  }

  /// The name of the storage's record in a zip archive.
  var record: RecordName {
    switch self {
    case .number(let number): .storage(number)
    case .text(let text): .text(RecordName.folder + text)
    }
  }
}

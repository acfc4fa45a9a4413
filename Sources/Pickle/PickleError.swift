/// Why a pickle can't be decoded, encoded or disassembled, and where.
public struct PickleError: Error, Sendable, Hashable {
  /// What is wrong.
  public let kind: Kind
  /// The byte offset of the opcode at fault, from the start of the source;
  /// -1 when a value is at fault that no pickle holds.
  public let offset: Int
  /// The opcode at fault, or nil where none could be read.
  public let opcode: Opcode?

  /// What is wrong, with what was expected and what was found.
  public enum Kind: Sendable, Hashable {
    /// `needed` bytes were to follow, but only `available` do.
    case truncated(needed: Int, available: Int)
    /// A line of text has no newline before the end.
    case unterminatedLine
    /// No opcode has this byte.
    case unknownOpcode(UInt8)
    /// The pickle is of a protocol later than 5.
    case unsupportedProtocol(Int)
    /// The opcode takes more values than the stack has above its mark.
    case stackUnderflow(needed: Int, available: Int)
    /// The opcode takes everything down to a mark, and there is none.
    case missingMark
    /// A memo entry is used that nothing was stored in.
    case memoMiss(Int)
    /// The opcode's argument isn't what it has to be.
    case invalidArgument(expected: String, found: String)
    /// A string isn't UTF-8; `at` is the offset of the first wrong byte.
    case invalidUTF8(at: Int)
    /// The opcode works on other kinds of values.
    case wrongKind(expected: String, found: PickleGraph.Kind)
    /// A dictionary key or a set's element can't be hashed.
    case unhashable(PickleGraph.Kind)
    /// Keys and values don't come in pairs.
    case oddItemCount(Int)
    /// The pickle asks for more than ``PickleLimits`` allow.
    case limitExceeded(name: String, limit: Int)
    /// A disassembly would have more than this.
    case tooMuchToShow(String)
    /// The value can't be written in the protocol that was asked for.
    case unencodable(String)
  }

  /// An error at a place in a pickle.
  ///
  /// - Parameters:
  ///   - kind: What is wrong.
  ///   - offset: The byte offset of the opcode, -1 for none.
  ///   - opcode: The opcode, if one was read.
  public init(_ kind: Kind, offset: Int, opcode: Opcode? = nil) {
    self.kind = kind
    self.offset = offset
    self.opcode = opcode
  }

  /// What is wrong in words, without the place.
  public var message: String {
    switch kind {
    case .truncated(let needed, let available):
      "the pickle ends early: expected \(needed) more bytes, found \(available)"
    case .unterminatedLine:
      "the pickle ends early: expected a newline after the argument"
    case .unknownOpcode(let byte):
      "expected an opcode, found the byte 0x\(hex(byte)); "
        + "this is no pickle, or it is damaged"
    case .unsupportedProtocol(let version):
      "expected protocol 0 to 5, found \(version)"
    case .stackUnderflow(let needed, let available):
      "expected \(needed) values on the stack, found \(available)"
    case .missingMark:
      "expected a mark on the stack, found none"
    case .memoMiss(let index):
      "memo entry \(index) is used before anything was stored in it"
    case .invalidArgument(let expected, let found):
      "expected \(expected), found \(found)"
    case .invalidUTF8(let at):
      "expected UTF-8 text, found an invalid byte at \(at)"
    case .wrongKind(let expected, let found):
      "expected \(expected), found \(found.phrase)"
    case .unhashable(let kind):
      "expected a key that Python can hash, found \(kind.phrase)"
    case .oddItemCount(let count):
      "expected keys and values in pairs, found \(count) items"
    case .limitExceeded(let name, let limit):
      "more than \(name) = \(limit); raise the limit if the file is trusted"
    case .tooMuchToShow(let limit):
      "more than \(limit), which is too much to show"
    case .unencodable(let reason):
      reason
    }
  }
}

extension PickleError: CustomStringConvertible {
  /// Place and reason in one line.
  public var description: String {
    var text = "pickle"
    if offset >= 0 { text += " at byte \(offset)" }
    if let opcode { text += " (\(opcode.name))" }
    return text + ": " + message
  }
}

func hex(_ byte: UInt8) -> String {
  zeroPadded(byte, radix: 16, width: 2)
}

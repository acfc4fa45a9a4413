/// A value of GGUF's metadata, with its type.
///
/// In ``Checkpoint/metadata`` it is a text that says both, so that writing
/// gives the same typed value again:
///
/// | type | text |
/// | --- | --- |
/// | a string | the string itself; `string:…` where it looks like another type |
/// | a string that is not UTF-8 | `base64:…` |
/// | a number | `u8:…` `i8:…` `u16:…` `i16:…` `u32:…` `i32:…` `u64:…` `i64:…` |
/// | a float | `f32:0.5` `f64:0.1`; a NaN by its bits, `f32:0x7fc00001` |
/// | a truth value | `bool:true` `bool:false` |
/// | an array | `array<i32>:["1","2"]`: JSON with each element's text |
indirect enum GGUFValue: Equatable {
  case u8(UInt8)
  case i8(Int8)
  case u16(UInt16)
  case i16(Int16)
  case u32(UInt32)
  case i32(Int32)
  case f32(UInt32)  // the bits
  case bool(Bool)
  case string([UInt8])
  case array(type: UInt32, [GGUFValue])
  case u64(UInt64)
  case i64(Int64)
  case f64(UInt64)  // the bits

  /// The type's names in texts, at the places of their numbers.
  static let typeNames = [
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array",
    "u64", "i64", "f64",
  ]

  /// The deepest nesting of arrays.
  static let maxDepth = 8

  /// The type's number in files.
  var type: UInt32 {
    switch self {
    case .u8: 0
    case .i8: 1
    case .u16: 2
    case .i16: 3
    case .u32: 4
    case .i32: 5
    case .f32: 6
    case .bool: 7
    case .string: 8
    case .array: 9
    case .u64: 10
    case .i64: 11
    case .f64: 12
    }
  }

  /// The value as text, as the type's description says.
  var text: String {
    if case .string(let bytes) = self {
      guard let string = String(validating: bytes, as: UTF8.self) else {
        return "base64:" + Base64.encode(bytes)
      }
      return Self.typed(string) == nil ? string : Self.mark + string
    }
    if case .array(let type, let values) = self {
      return "array<\(Self.typeNames[Int(type)])>:"
        + JSONValue.array(values.map { .string($0.bareText) }).text()
    }
    return Self.typeNames[Int(type)] + ":" + bareText
  }

  /// The value as text, without the type where another text says it.
  private var bareText: String {
    switch self {
    case .u8(let value): String(value)
    case .i8(let value): String(value)
    case .u16(let value): String(value)
    case .i16(let value): String(value)
    case .u32(let value): String(value)
    case .i32(let value): String(value)
    case .u64(let value): String(value)
    case .i64(let value): String(value)
    case .bool(let value): String(value)
    case .f32(let bits):
      Float(bitPattern: bits).isNaN
        ? "0x" + String(bits, radix: 16) : "\(Float(bitPattern: bits))"
    case .f64(let bits):
      Double(bitPattern: bits).isNaN
        ? "0x" + String(bits, radix: 16) : "\(Double(bitPattern: bits))"
    case .string, .array: text
    }
  }

  /// What marks a string that would be taken for another type.
  private static let mark = "string:"

  /// The value of a text: a string where no type is named.
  init(text: String) {
    switch Self.typed(text) {
    case nil: self = .string(Array(text.utf8))
    case .some where text.hasPrefix(Self.mark):
      self = .string(Array(text.utf8.dropFirst(Self.mark.utf8.count)))
    case let value?: self = value
    }
  }

  /// The value of another type that a text names after any number of marks.
  private static func typed(_ text: String) -> GGUFValue? {
    var rest = text[...]
    while rest.hasPrefix(mark) { rest = rest.dropFirst(mark.count) }
    let core = String(rest)
    guard let value = GGUFValue(tagged: core), value.text == core else {
      return nil
    }
    return value
  }

  /// The value of a text that names its type; nil for any other text.
  private init?(tagged text: String, depth: Int = 0) {
    guard let colon = text.firstIndex(of: ":"), depth < Self.maxDepth else {
      return nil
    }
    let name = String(text[..<colon])
    let rest = String(text[text.index(after: colon)...])
    if name == "base64" {
      guard let bytes = Base64.decode(rest),
        String(validating: bytes, as: UTF8.self) == nil
      else { return nil }
      self = .string(bytes)
    } else if name.hasPrefix("array<"), name.hasSuffix(">") {
      let element = String(name.dropFirst(6).dropLast())
      guard let type = Self.typeNames.firstIndex(of: element),
        let values = Self.elements(rest, element, depth)
      else { return nil }
      self = .array(type: UInt32(type), values)
    } else {
      self.init(name, bare: rest)
    }
  }

  private static func elements(
    _ text: String,
    _ type: String,
    _ depth: Int
  ) -> [GGUFValue]? {
    var texts: [String] = []
    var reader = JSONReader(Array(text.utf8))
    do {
      try reader.readArray { reader throws(CheckpointError) in
        texts.append(try reader.readString())
      }
      try reader.expectEnd()
    } catch {
      return nil
    }
    var values: [GGUFValue] = []
    values.reserveCapacity(texts.count)
    for text in texts {
      let value =
        switch type {
        case "string": GGUFValue(text: text)
        case "array": GGUFValue(tagged: text, depth: depth + 1)
        default: GGUFValue(type, bare: text)
        }
      guard let value, typeNames[Int(value.type)] == type else { return nil }
      values.append(value)
    }
    return values
  }

  /// A number or truth value of a named type.
  private init?(_ type: String, bare text: String) {
    let value: GGUFValue? =
      switch type {
      case "u8": UInt8(text).map { .u8($0) }
      case "i8": Int8(text).map { .i8($0) }
      case "u16": UInt16(text).map { .u16($0) }
      case "i16": Int16(text).map { .i16($0) }
      case "u32": UInt32(text).map { .u32($0) }
      case "i32": Int32(text).map { .i32($0) }
      case "u64": UInt64(text).map { .u64($0) }
      case "i64": Int64(text).map { .i64($0) }
      case "bool": Bool(text).map { .bool($0) }
      case "f32":
        text.hasPrefix("0x")
          ? UInt32(text.dropFirst(2), radix: 16).map { .f32($0) }
          : Float(text).map { .f32($0.bitPattern) }
      case "f64":
        text.hasPrefix("0x")
          ? UInt64(text.dropFirst(2), radix: 16).map { .f64($0) }
          : Double(text).map { .f64($0.bitPattern) }
      default: nil
      }
    guard let value else { return nil }
    self = value
  }
}

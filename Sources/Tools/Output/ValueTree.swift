internal import PthCodec

/// A checkpoint's other values as a tree, by the parts of their paths.
///
/// A container of plain elements is one line; what holds nothing but one other
/// container stands on that one's line.
struct ValueTree {
  private var nodes = [Node(key: "")]
  private var places: [Place: Int32] = [:]
  private let values: [CheckpointValue]
  /// The parts of the path that was added last, with their nodes.
  private var trail: [(key: Substring, node: Int)] = []

  // A file may have hundreds of thousands of values: these are small.
  private struct Node {
    let key: Substring
    var value: Int32 = -1
    var firstChild: Int32 = -1
    var lastChild: Int32 = -1
    var nextSibling: Int32 = -1
  }

  /// A key of one of the nodes.
  private struct Place: Hashable {
    let parent: Int32
    let key: Substring
  }

  init(_ values: [CheckpointValue]) {
    self.values = values
    nodes.reserveCapacity(values.count + 1)
    places.reserveCapacity(values.count)
    for index in values.indices { add(index) }
    (places, trail) = ([:], [])
  }

  private mutating func add(_ index: Int) {
    let value = values[index]
    var place = 0
    if value.path.isEmpty {
      trail = []
    } else {
      // A file chooses how deep its objects are; a screen is not that wide.
      let parts = Self.parts(of: value.path)
      // Neighbours have most of their path in common.
      var common = 0
      while common < min(parts.count, trail.count),
        parts[common] == trail[common].key
      {
        common += 1
      }
      trail.removeLast(trail.count - common)
      if let last = trail.last { place = last.node }
      for part in parts[common...] {
        place = child(part, of: place)
        trail.append((part, place))
      }
    }
    if nodes[place].value >= 0 {
      // Two keys with the same text, such as 1 and "1".
      place = append(nodes[place].key, to: 0)
    }
    nodes[place].value = Int32(truncatingIfNeeded: index)
  }

  private static let maxDepth = 16

  private static func parts(of path: String) -> [Substring] {
    var parts: [Substring] = []
    parts.reserveCapacity(maxDepth + 1)
    let bytes = path.utf8
    var start = bytes.startIndex
    while parts.count < maxDepth,
      let dot = bytes[start...].firstIndex(of: UInt8(ascii: "."))
    {
      parts.append(path[start..<dot])
      start = bytes.index(after: dot)
    }
    parts.append(path[start...])
    return parts
  }

  private mutating func child(_ key: Substring, of parent: Int) -> Int {
    let place = Place(parent: Int32(truncatingIfNeeded: parent), key: key)
    if let known = places[place] { return Int(known) }
    let new = append(key, to: parent)
    places[place] = Int32(truncatingIfNeeded: new)
    return new
  }

  private mutating func append(_ key: Substring, to parent: Int) -> Int {
    let new = Int32(truncatingIfNeeded: nodes.count)
    nodes.append(Node(key: key))
    let last = Int(nodes[parent].lastChild)
    if last < 0 {
      nodes[parent].firstChild = new
    } else {
      nodes[last].nextSibling = new
    }
    nodes[parent].lastChild = new
    return Int(new)
  }

  private func children(of node: Int) -> [Int] {
    var children: [Int] = []
    var child = Int(nodes[node].firstChild)
    while child >= 0 {
      children.append(child)
      child = Int(nodes[child].nextSibling)
    }
    return children
  }

  private func value(of node: Int) -> CheckpointValue? {
    let index = Int(nodes[node].value)
    return index < 0 ? nil : values[index]
  }

  private func key(of node: Int) -> String {
    Text.printable(String(nodes[node].key))
  }

  /// The tree as text.
  ///
  /// - Parameter limit: The columns that a line is shortened to; nil for none.
  /// - Returns: Lines, each with its end.
  func text(fitting limit: Int? = Terminal.width) -> String {
    var output = ""
    if let value = value(of: 0) {
      output += line("", Self.text(of: value), indent: 0, limit)
    }
    // A stack of the nodes still to be shown: nothing recurses.
    var pending = children(of: 0).reversed().map { (node: $0, indent: 0) }
    while let (start, indent) = pending.popLast() {
      var node = start
      var label = key(of: node)
      while nodes[node].value < 0, nodes[node].firstChild >= 0,
        nodes[node].firstChild == nodes[node].lastChild,
        elements(of: node) == nil
      {
        node = Int(nodes[node].firstChild)
        label += "." + key(of: node)
      }
      if let elements = elements(of: node) {
        output += line(label, elements, indent: indent, limit)
      } else {
        let value = value(of: node).map(Self.text(of:))
        output += line(label, value, indent: indent, limit)
        pending += children(of: node).reversed()
          .map { (node: $0, indent: indent + 1) }
      }
    }
    return output
  }

  /// The elements of a list in one line; nil for what is no list of plain
  /// values.
  private func elements(of node: Int) -> String? {
    guard nodes[node].value < 0, nodes[node].firstChild >= 0 else {
      return nil
    }
    var text = ""
    var (index, child) = (0, Int(nodes[node].firstChild))
    while child >= 0 {
      guard nodes[child].firstChild < 0, nodes[child].key == "\(index)",
        let value = value(of: child)
      else { return nil }
      text += (index > 0 ? ", " : "[") + Self.text(of: value)
      index += 1
      child = Int(nodes[child].nextSibling)
    }
    return text + "]"
  }

  private func line(
    _ label: String,
    _ value: String?,
    indent: Int,
    _ limit: Int?
  ) -> String {
    var text = String(repeating: "  ", count: indent) + label
    if let value { text += (label.isEmpty ? "" : " = ") + value }
    return (limit.map { TextWidth.shortened(text, to: $0) } ?? text) + "\n"
  }

  /// A value in one line, for a person.
  static func text(of value: CheckpointValue) -> String {
    switch value.value {
    case .none: value.type == "NoneType" ? "None" : empty(value.type)
    case .bool(let flag): flag ? "True" : "False"
    case .int(let number): "\(number)"
    case .bigInt(let digits): digits
    case .float(let number): "\(number)"
    case .string(let text):
      "\"\(quoted(beginning(of: text)))\"" + (isLong(text) ? "…" : "")
    case .bytes(let bytes): Text.count(bytes.count, "byte")
    case .described(let words):
      "\(value.type) \(Text.printable(beginning(of: words)))"
    }
  }

  /// A container without elements as Python writes it; else the type's name.
  private static func empty(_ type: String) -> String {
    switch type {
    case "list": "[]"
    case "tuple": "()"
    case "dict": "{}"
    case "set", "frozenset": "\(type)()"
    default: Text.printable(type)
    }
  }

  /// Whether more characters are in a text than are shown.
  private static func isLong(_ text: String) -> Bool {
    text.utf8.count > maxText && text.count > maxText
  }

  private static func beginning(of text: String) -> String {
    isLong(text) ? String(text.prefix(maxText)) : text
  }

  private static let maxText = 200

  private static func quoted(_ text: String) -> String {
    // Few texts have any of them, and there may be hundreds of thousands.
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5c })
    else { return Text.printable(text) }
    return Text.printable(
      text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        .replacing("\n", with: "\\n").replacing("\t", with: "\\t")
    )
  }
}

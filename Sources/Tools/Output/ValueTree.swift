internal import PthCodec

/// A checkpoint's other values as a tree, by the parts of their paths.
///
/// A container of plain elements is one line; what holds nothing but one other
/// container stands on that one's line.
struct ValueTree {
  private var nodes = [Node(key: "")]

  private struct Node {
    let key: String
    var value: CheckpointValue?
    var children: [Int] = []
    var childrenByKey: [Substring: Int] = [:]
  }

  init(_ values: [CheckpointValue]) {
    for value in values { add(value) }
  }

  private mutating func add(_ value: CheckpointValue) {
    var place = 0
    if !value.path.isEmpty {
      // A file chooses how deep its objects are; a screen is not that wide.
      let parts = value.path.split(
        separator: ".",
        maxSplits: Self.maxDepth,
        omittingEmptySubsequences: false
      )
      for part in parts { place = child(part, of: place) }
    }
    if nodes[place].value != nil {
      // Two keys with the same text, such as 1 and "1".
      nodes.append(Node(key: nodes[place].key))
      nodes[0].children.append(nodes.count - 1)
      place = nodes.count - 1
    }
    nodes[place].value = value
  }

  private static let maxDepth = 32

  private mutating func child(_ key: Substring, of parent: Int) -> Int {
    if let known = nodes[parent].childrenByKey[key] { return known }
    let new = nodes.count
    nodes.append(Node(key: String(key)))
    nodes[parent].children.append(new)
    nodes[parent].childrenByKey[key] = new
    return new
  }

  /// The tree as text.
  ///
  /// - Parameter limit: The columns that a line is shortened to; nil for none.
  /// - Returns: Lines, each with its end.
  func text(fitting limit: Int? = Terminal.width) -> String {
    var output = ""
    if let value = nodes[0].value {
      output += line("", Self.text(of: value), indent: 0, limit)
    }
    // A stack of the nodes still to be shown: nothing recurses.
    var pending = nodes[0].children.reversed().map { (node: $0, indent: 0) }
    while let (start, indent) = pending.popLast() {
      var node = start
      var label = Text.printable(nodes[node].key)
      while nodes[node].value == nil, nodes[node].children.count == 1,
        elements(of: node) == nil
      {
        node = nodes[node].children[0]
        label += "." + Text.printable(nodes[node].key)
      }
      if let elements = elements(of: node) {
        output += line(label, elements, indent: indent, limit)
      } else {
        let value = nodes[node].value.map(Self.text(of:))
        output += line(label, value, indent: indent, limit)
        pending += nodes[node].children.reversed()
          .map { (node: $0, indent: indent + 1) }
      }
    }
    return output
  }

  /// The elements of a list in one line; nil for what is no list of plain
  /// values.
  private func elements(of node: Int) -> String? {
    guard nodes[node].value == nil, !nodes[node].children.isEmpty else {
      return nil
    }
    var parts: [String] = []
    for (index, child) in nodes[node].children.enumerated() {
      guard nodes[child].children.isEmpty, nodes[child].key == "\(index)",
        let value = nodes[child].value
      else { return nil }
      parts.append(Self.text(of: value))
    }
    return "[" + parts.joined(separator: ", ") + "]"
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
      "\"\(quoted(String(text.prefix(200))))\"" + (text.count > 200 ? "…" : "")
    case .bytes(let bytes): Text.count(bytes.count, "byte")
    case .described(let words):
      "\(value.type) \(Text.printable(String(words.prefix(200))))"
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

  private static func quoted(_ text: String) -> String {
    Text.printable(
      text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        .replacing("\n", with: "\\n").replacing("\t", with: "\\t")
    )
  }
}

internal import Pickle
internal import Tensors

/// The text of objects that Python's library writes in a form of their own:
/// dates, paths, numbers in decimal, members of enums.
///
/// Source: `__reduce__` of `datetime`, `pathlib`, `decimal`, `uuid`, `enum` and
/// `numpy.dtype`.
struct PlainText {
  private let parts: ObjectParts
  private let reader: GraphReader
  private var graph: PickleGraph { reader.graph }

  init(_ parts: ObjectParts, _ reader: GraphReader) {
    self.parts = parts
    self.reader = reader
  }

  /// The text; nil for an object of another class.
  var text: String? {
    guard let (module, name) = parts.callable else { return nil }
    switch (module, name) {
    case ("datetime", "datetime"), ("datetime", "date"), ("datetime", "time"):
      return date(name)
    case ("datetime", "timedelta"): return span
    case ("pathlib", _): return path
    case ("decimal", "Decimal"):
      return parts.arguments.first.flatMap { graph.string($0) }
    case ("uuid", "UUID"): return uuid
    case ("numpy", "dtype"): return dtype
    case ("__builtin__", "getattr"), ("builtins", "getattr"): return member
    case ("_operator", "or_"), ("operator", "or_"): return flags
    default: return nil
    }
  }

  private func numbers(_ nodes: [PickleGraph.NodeID]) -> [Int]? {
    let numbers = nodes.compactMap { graph.int($0) }
    return numbers.count == nodes.count ? numbers : nil
  }

  private func padded(_ number: Int, _ width: Int = 2) -> String {
    zeroPadded(number, width: width)
  }

  /// ISO 8601, from the bytes that Python keeps.
  private func date(_ kind: String) -> String? {
    guard let first = parts.arguments.first, let bytes = reader.bytes(first)
    else { return nil }
    var rest = bytes[...]
    var text = ""
    if kind != "time" {
      guard rest.count >= 4 else { return nil }
      let year = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
      // The highest bit of the month tells the second of two equal hours.
      let month = Int(rest.removeFirst() & 0x7f)
      text = "\(padded(year, 4))-\(padded(month))-"
      text += padded(Int(rest.removeFirst()))
    }
    if kind != "date" {
      guard rest.count == 6 else { return nil }
      let numbers = rest.map { Int($0) }
      if !text.isEmpty { text += "T" }
      text += "\(padded(numbers[0] & 0x7f)):\(padded(numbers[1])):"
      text += padded(numbers[2])
      let micros = numbers[3] << 16 | numbers[4] << 8 | numbers[5]
      if micros > 0 { text += "." + padded(micros, 6) }
      guard parts.arguments.count < 2 || zone != nil else { return nil }
      text += zone ?? ""
    }
    return text
  }

  /// The offset of `datetime.timezone(timedelta(days, seconds, …))`.
  private var zone: String? {
    guard parts.arguments.count == 2,
      let zone = ObjectParts(parts.arguments[1], in: graph),
      zone.callable?.name == "timezone" || zone.callable?.name == "utc",
      let first = zone.arguments.first,
      let delta = ObjectParts(first, in: graph),
      let numbers = numbers(delta.arguments), numbers.count == 3,
      (-1...1).contains(numbers[0]), (0..<86_400).contains(numbers[1])
    else { return nil }
    let seconds = numbers[0] * 86_400 + numbers[1]
    let minutes = seconds.magnitude / 60
    return (seconds < 0 ? "-" : "+")
      + "\(padded(Int(minutes / 60))):\(padded(Int(minutes % 60)))"
  }

  /// As Python's `str` has it: `1 day, 0:00:02`.
  private var span: String? {
    guard let all = numbers(parts.arguments), all.count == 3,
      (0..<86_400).contains(all[1]), (0..<1_000_000).contains(all[2])
    else { return nil }
    var text = ""
    if all[0] != 0 {
      text = "\(all[0]) day" + (all[0].magnitude == 1 ? ", " : "s, ")
    }
    text += "\(all[1] / 3600):\(padded(all[1] / 60 % 60)):"
    text += padded(all[1] % 60)
    return all[2] == 0 ? text : text + "." + padded(all[2], 6)
  }

  private var path: String? {
    let components = parts.arguments.compactMap { graph.string($0) }
    guard components.count == parts.arguments.count else { return nil }
    if components.isEmpty { return "." }
    let isAbsolute = components[0] == "/"
    return (isAbsolute ? "/" : "")
      + components.dropFirst(isAbsolute ? 1 : 0).joined(separator: "/")
  }

  private var uuid: String? {
    guard
      let value = parts.attributes.first(where: {
        graph.string($0.key, equals: "int")
      })?.value, let bytes = graph.bigIntBytes(value)
    else { return nil }
    var full = Array(bytes.prefix(16))
    while full.count < 16 { full.append(0) }
    full.reverse()
    return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16]
      .map { hexadecimal(full[$0]) }.joined(separator: "-")
  }

  private var dtype: String? {
    guard let code = parts.arguments.first.flatMap({ graph.string($0) }) else {
      return nil
    }
    return NumPyDType.dtype(ofCode: code)?.rawValue ?? code
  }

  /// `getattr(cls, 'NAME')`, as Python 3.11 writes an enum's member: its name,
  /// for the value is not in the file.
  private var member: String? {
    guard parts.arguments.count == 2,
      let name = graph.string(parts.arguments[1])
    else { return nil }
    // A method is named with its class, a member without.
    guard name.hasPrefix("_") || graph.global(parts.arguments[0]) == nil else {
      return name
    }
    let owner = graph.global(parts.arguments[0])
    return owner.map { "\($0.module).\($0.name).\(name)" }
  }

  /// `or_(or_(A, B), C)`, as Python 3.11 writes flags.
  private var flags: String? {
    var names: [String] = []
    var pending = parts.arguments
    while let id = pending.popLast(), names.count < 64, pending.count < 64 {
      guard let inner = ObjectParts(id, in: graph) else { return nil }
      switch inner.callable?.name {
      case "or_": pending += inner.arguments
      case "getattr":
        guard let last = inner.arguments.last, let name = graph.string(last)
        else { return nil }
        names.append(name)
      default: return nil
      }
    }
    return names.isEmpty || !pending.isEmpty
      ? nil : names.reversed().joined(separator: "|")
  }
}

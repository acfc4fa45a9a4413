internal import OrderedCollections
internal import PthCodec
internal import Tensors

/// What `pth diff` tells about two checkpoints.
struct DiffReport {
  private let differences: CheckpointDifferences
  private let first: (file: String, checkpoint: Checkpoint)
  private let second: (file: String, checkpoint: Checkpoint)

  init(
    _ differences: CheckpointDifferences,
    _ first: (file: String, checkpoint: Checkpoint),
    _ second: (file: String, checkpoint: Checkpoint)
  ) {
    self.differences = differences
    self.first = first
    self.second = second
  }

  /// The report for a person.
  var text: String {
    var lines: [String] = []
    for (names, side) in [
      (differences.onlyInFirst, first), (differences.onlyInSecond, second),
    ] {
      lines += names.map { name in
        let tensor = side.checkpoint.tensors[name]
        let kind = tensor.map { "\($0.dtype) \($0.shape)" } ?? ""
        return "only in \(side.file): \(name) \(kind)"
      }
    }
    lines += differences.tensors.map(line(of:))
    for (groups, side) in [
      (differences.sharedInFirst, first), (differences.sharedInSecond, second),
    ] {
      lines += groups.map {
        "sharing memory in \(side.file) only: "
          + $0.joined(separator: ", ")
      }
    }
    lines += differences.values.map { value in
      "value \(value.path.isEmpty ? "(root)" : value.path): "
        + "\(shown(value.first)), \(shown(value.second))"
    }
    lines.append(
      differences.isEmpty
        ? "the same: \(Text.count(differences.sameTensors, "tensor")), "
          + Text.count(first.checkpoint.values.count, "value")
        : Text.count(differences.sameTensors, "tensor")
          + (differences.sameTensors == 1 ? " is" : " are") + " the same"
    )
    return lines.map { TextWidth.wrapped(Text.printable($0)) + "\n" }.joined()
  }

  private func line(of difference: TensorDifference) -> String {
    var text = "\(difference.name): "
    let (a, b) = difference.shapes
    guard a == b else { return text + "shape \(a), \(b)" }
    var facts: [String] = []
    let (one, other) = difference.dtypes
    if one != other { facts.append("dtype \(one), \(other)") }
    if difference.isQuantizedOtherwise {
      facts.append("other scale or zero point")
    }
    if let elements = difference.elements, elements.count > 0 {
      let total = a.reduce(1) {
        $0.multipliedReportingOverflow(by: $1).partialValue
      }
      facts.append(
        "\(Text.count(elements.count)) of \(Text.count(total)) elements differ"
      )
    }
    if let elements = difference.elements {
      if let largest = elements.largestAbsolute {
        facts.append(
          "by \(brief(largest)) at most, relative "
            + brief(elements.largestRelative ?? 0)
            + (elements.largestIndex.map {
              ", at \(Layout.index(ofElement: $0, in: a))"
            } ?? "")
        )
      }
      if elements.unmatchedNaN > 0 {
        facts.append("NaN in one only: \(Text.count(elements.unmatchedNaN))")
      }
    }
    text += facts.joined(separator: "; ")
    return text
  }

  private func brief(_ number: Double) -> String {
    Double(Float(number)) == number ? "\(Float(number))" : "\(number)"
  }

  private func shown(_ value: CheckpointValue?) -> String {
    guard let value else { return "not there" }
    return ValueTree.text(of: value)
  }

  /// The report for programs.
  var json: JSONValue {
    .object([
      ("same", .bool(differences.isEmpty)),
      ("onlyInFirst", .strings(differences.onlyInFirst)),
      ("onlyInSecond", .strings(differences.onlyInSecond)),
      ("tensors", .array(differences.tensors.map(json(of:)))),
      (
        "sharedInFirst",
        .array(differences.sharedInFirst.map { .strings($0) })
      ),
      (
        "sharedInSecond",
        .array(differences.sharedInSecond.map { .strings($0) })
      ),
      (
        "values",
        .array(
          differences.values.map {
            .object([
              ("path", .string($0.path)),
              ("first", json(of: $0.first)), ("second", json(of: $0.second)),
            ])
          }
        )
      ),
      ("sameTensors", .int(differences.sameTensors)),
    ])
  }

  private func json(of value: CheckpointValue?) -> JSONValue {
    guard let value else { return .null }
    return .object([
      ("type", .string(value.type)), ("value", InfoReport.plain(value.value)),
    ])
  }

  private func json(of difference: TensorDifference) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("name", .string(difference.name)),
      (
        "shapes",
        .array([
          .array(difference.shapes.first.map { .int($0) }),
          .array(difference.shapes.second.map { .int($0) }),
        ])
      ),
      (
        "dtypes",
        .strings([
          difference.dtypes.first.rawValue, difference.dtypes.second.rawValue,
        ])
      ),
      ("quantizedOtherwise", .bool(difference.isQuantizedOtherwise)),
    ]
    if let elements = difference.elements {
      members += [
        ("differing", .int(elements.count)),
        ("first", elements.first.map { .int($0) } ?? .null),
        ("largestAbsolute", number(elements.largestAbsolute)),
        ("largestRelative", number(elements.largestRelative)),
        ("largestIndex", elements.largestIndex.map { .int($0) } ?? .null),
        ("unmatchedNaN", .int(elements.unmatchedNaN)),
      ]
    }
    return .object(members)
  }

  private func number(_ value: Double?) -> JSONValue {
    guard let value else { return .null }
    return value.isFinite ? .double(value) : .string("\(value)")
  }
}

extension JSONValue {
  /// A list of texts.
  static func strings(_ texts: [String]) -> JSONValue {
    .array(texts.map { .string($0) })
  }
}

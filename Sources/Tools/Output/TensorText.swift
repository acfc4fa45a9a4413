internal import Foundation
internal import Tensors

/// A tensor's elements, statistics and histogram in words.
struct TensorText {
  private let tensor: Tensor
  private let numbers: TensorNumbers?

  /// Takes a tensor of any dtype.
  ///
  /// - Throws: What making a view in row-major order throws.
  init(_ tensor: Tensor) throws {
    self.tensor = tensor
    numbers = try TensorNumbers(tensor)
  }

  /// Why there are no numbers to tell of; nil where there are.
  private var obstacle: String? {
    if tensor.storage.isMeta {
      return "it is on the device meta: it has a shape, but no elements"
    }
    if numbers == nil {
      return "its elements are bits that PyTorch gives no value"
    }
    return tensor.elementCount == 0 ? "it has no elements" : nil
  }

  /// Statistics, a histogram and the first values.
  ///
  /// - Parameter file: What is read, for the progress bar.
  /// - Returns: Lines, each with its end.
  /// - Throws: What reading and converting the elements throws.
  func text(file: String) throws -> String {
    guard let numbers, obstacle == nil else {
      return (obstacle ?? "") + "\n"
    }
    var output = ""
    if let meaning = numbers.meaning { output += "numbers: \(meaning)\n" }
    let size = tensor.byteCount
    let itemSize = size / numbers.count
    let statistics = try ProgressBar.during("reading \(file)") { progress in
      try TensorStatistics(numbers) { done in
        progress(done &* itemSize, size)
      }
    }
    if statistics.count > 1 {
      output += summary(of: statistics)
      if statistics.maximum > statistics.minimum,
        statistics.count > Self.mostListed
      {
        output += try histogram(of: numbers, statistics)
      }
    }
    return try output + TextWidth.wrapped(values(numbers)) + "\n"
  }

  /// What a row about this tensor tells.
  ///
  /// - Parameter progress: Told how many elements are read.
  /// - Returns: The statistics, or why there are none.
  /// - Throws: What reading and converting the elements throws.
  func row(
    progress: @Sendable (_ done: Int) -> Void
  ) throws -> TensorRow {
    if tensor.storage.isMeta { return .words("meta") }
    guard let numbers else { return .words("bits") }
    return .statistics(try TensorStatistics(numbers, progress: progress))
  }

  private func summary(of statistics: TensorStatistics) -> String {
    var lines: [String] = []
    if statistics.finite > 0 {
      lines.append(
        "min \(Text.number(statistics.minimum))"
          + "  max \(Text.number(statistics.maximum))"
          + "  mean \(Text.number(statistics.mean))"
          + "  std \(Text.number(statistics.deviation))"
      )
    }
    lines.append(
      "elements \(Text.count(statistics.count))"
        + "  zeros \(Text.count(statistics.zeros))"
        + "  non-finite \(Text.count(statistics.nonFinite))"
    )
    return lines.map { TextWidth.wrapped($0) + "\n" }.joined()
  }

  private func histogram(
    of numbers: TensorNumbers,
    _ statistics: TensorStatistics
  ) throws -> String {
    // Labels and other small integers are counted one by one.
    let span = statistics.maximum - statistics.minimum
    let isCounted =
      (tensor.dtype.isInteger || tensor.dtype == .bool) && span < 20
    let bins = isCounted ? Int(span) + 1 : 12
    let counts = try statistics.histogram(of: numbers, bins: bins)
    let most = max(1, counts.max() ?? 1)
    let rows = counts.enumerated().map { bin, count in
      let part = Double(bin) / Double(bins)
      let start =
        isCounted
        ? statistics.minimum + Double(bin)
        : statistics.minimum * (1 - part) + statistics.maximum * part
      return [
        Text.number(start), Text.count(count),
        String(repeating: "█", count: (count * 40 + most - 1) / most),
      ]
    }
    var table = Table(
      [isCounted ? "VALUE" : "FROM", "COUNT"],
      rightAligned: [0, 1]
    )
    for row in rows { table.add(row) }
    return table.text()
  }

  private static let mostValues = 64

  /// So few elements are seen at a glance: a histogram tells no more.
  private static let mostListed = 16

  private func values(_ numbers: TensorNumbers) throws -> String {
    let range = 0..<min(Self.mostValues, numbers.count)
    let texts =
      if let parts = try numbers.components(in: range) {
        range.map { Self.complex(parts[2 * $0], parts[2 * $0 + 1]) }
      } else if tensor.dtype.isInteger {
        try integers(range.count)
      } else {
        try numbers.numbers(in: range).map {
          tensor.dtype == .bool
            ? ($0 == 0 ? "False" : "True") : Text.number($0)
        }
      }
    let more = numbers.count - range.count
    return (numbers.count == 1 ? "value: " : "values: ")
      + texts.joined(separator: " ")
      + (more > 0 ? " … and \(Text.count(more)) more" : "")
  }

  /// The first integers, exactly: a Double has too few digits for them.
  private func integers(_ count: Int) throws -> [String] {
    let whole = try tensor.contiguous()
    let first = try Tensor(
      dtype: whole.dtype,
      layout: Layout(contiguous: [count], offset: whole.layout.offset),
      storage: whole.storage
    )
    return first.dtype == .uint64
      ? try first.elements(as: UInt64.self).map { "\($0)" }
      : try first.converted(to: .int64).elements(as: Int64.self)
        .map { "\($0)" }
  }

  private static func complex(_ real: Double, _ imaginary: Double) -> String {
    // Text.number gives the negative zero no sign.
    let sign = imaginary.sign == .minus && imaginary != 0 ? "" : "+"
    return Text.number(real) + sign + Text.number(imaginary) + "j"
  }
}

/// What the list of a checkpoint's tensors tells of one of them.
enum TensorRow {
  case statistics(TensorStatistics)
  /// Why there are no numbers.
  case words(String)

  /// Minimum, maximum, mean, deviation, zeros, non-finite elements.
  ///
  /// - Parameter digits: The significant digits of the first four.
  /// - Returns: A row's cells; one alone where there are no numbers.
  func cells(digits: Int) -> [String] {
    switch self {
    case .words(let words): return [words]
    case .statistics(let statistics):
      return [
        statistics.minimum, statistics.maximum, statistics.mean,
        statistics.deviation,
      ].map {
        statistics.finite == 0 ? "" : Text.number($0, digits: digits)
      } + [
        Text.count(statistics.zeros), Text.count(statistics.nonFinite),
      ]
    }
  }
}

extension Text {
  /// A number with some significant digits, as C prints it: `0.1`, `1e-05`.
  static func number(_ value: Double, digits: Int = 6) -> String {
    if value == value.rounded(), value.magnitude < 1e15 {
      return "\(Int(value))"
    }
    return String(format: "%.\(digits)g", value)
  }
}

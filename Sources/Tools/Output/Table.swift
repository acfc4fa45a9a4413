/// Rows of cells in columns that are as wide as their widest cell.
struct Table {
  private var rows: [[String]]
  private let rightAligned: Set<Int>

  /// Makes a table.
  ///
  /// - Parameters:
  ///   - header: The columns' titles.
  ///   - rightAligned: The columns of numbers.
  init(_ header: [String], rightAligned: Set<Int> = []) {
    rows = [header]
    self.rightAligned = rightAligned
  }

  /// Adds a row, which may be shorter than the others.
  mutating func add(_ cells: [String]) {
    rows.append(cells)
  }

  /// The columns of the terminal that the table takes as it is.
  var width: Int {
    let widths = columnWidths(fitting: nil, 0)
    return widths.reduce(2 * max(0, widths.count - 1), +)
  }

  /// The columns that it takes where names are shortened.
  func leastWidth(leastName: Int = 10) -> Int {
    let widths = columnWidths(fitting: 0, leastName)
    return widths.reduce(2 * max(0, widths.count - 1), +)
  }

  /// The table as text.
  ///
  /// - Parameters:
  ///   - limit: The columns to keep to, by shortening the end of words in the
  ///     last column, then the middle of names in the first; nil for none.
  ///   - leastName: The columns that names are left with at least.
  /// - Returns: Lines, each with its end.
  func text(
    fitting limit: Int? = Terminal.width,
    leastName: Int = 10
  ) -> String {
    let widths = columnWidths(fitting: limit, leastName)
    // Bytes, since a file may have tens of thousands of rows.
    var output: [UInt8] = []
    let space = UInt8(ascii: " ")
    for (index, row) in rows.enumerated() {
      let start = output.count
      for (column, cell) in row.enumerated() {
        let width = widths[column]
        let cell =
          limit == nil
          ? cell
          : column == 0
            ? TextWidth.elided(cell, to: width)
            : TextWidth.shortened(cell, to: width)
        let gap = repeatElement(
          space,
          count: max(0, width - TextWidth.columns(of: cell))
        )
        if column > 0 { output += repeatElement(space, count: 2) }
        if rightAligned.contains(column) { output += gap }
        output += cell.utf8
        if !rightAligned.contains(column) { output += gap }
      }
      while output.count > start, output.last == space { output.removeLast() }
      if index == 0 {
        let header = String(decoding: output[start...], as: UTF8.self)
        output.replaceSubrange(start..., with: Style.bold(header).utf8)
      }
      output.append(UInt8(ascii: "\n"))
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// The columns past which a cell stands out rather than widen its column.
  private static let widest = 200

  private func columnWidths(
    fitting limit: Int?,
    _ leastName: Int
  ) -> [Int] {
    var widths = [Int](repeating: 0, count: rows.map(\.count).max() ?? 0)
    for row in rows {
      for (column, cell) in row.enumerated() {
        widths[column] = max(widths[column], TextWidth.columns(of: cell))
      }
    }
    guard let limit, let last = widths.indices.last else {
      // One very long cell must not fill all other rows with spaces.
      return widths.map { min($0, Self.widest) }
    }
    var excess = widths.reduce(2 * last, +) - limit
    let shrinking = [(last, 8), (0, leastName)].filter {
      !rightAligned.contains($0.0)
    }
    for (column, least) in shrinking where excess > 0 {
      let given = max(0, min(excess, widths[column] - least))
      widths[column] -= given
      excess -= given
    }
    return widths
  }
}

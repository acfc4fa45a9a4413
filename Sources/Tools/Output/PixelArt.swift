internal import Tensors

/// Pictures made of tensors: in the terminal by half blocks, and as tiles for
/// gnuplot.
struct PixelArt {
  /// Rows of brightness in 0…1; nil for a tile's gap and for NaN.
  private let pixels: [[Double?]]

  /// Makes a picture of a tensor whose last two dimensions are an image; nil
  /// for a tensor of other dimensions.
  ///
  /// Further dimensions are tiles, as many in a row as make it about square.
  ///
  /// - Parameters:
  ///   - tensor: At least two dimensions.
  ///   - maxTiles: The most tiles that are shown.
  ///   - headroom: The rows that are left free above each tile for its label;
  ///     without any, the label is drawn over the tile's corner.
  /// - Throws: What reading the elements throws.
  init?(_ tensor: Tensor, maxTiles: Int, headroom: Int = 0) throws {
    guard tensor.shape.count >= 2, tensor.elementCount > 0,
      let source = try TensorNumbers(tensor)
    else { return nil }
    let height = tensor.shape[tensor.shape.count - 2]
    let width = tensor.shape[tensor.shape.count - 1]
    guard height <= Self.mostPixels, width <= Self.mostPixels else {
      return nil
    }
    total = tensor.elementCount / (height * width)
    let tiles = min(maxTiles, total)
    let numbers = try source.numbers(in: 0..<tiles * height * width)
    let finite = numbers.filter(\.isFinite)
    let low = finite.min() ?? 0
    let range = (finite.max() ?? 0) - low
    columns = Int(Double(tiles).squareRoot().rounded(.up))
    self.headroom = headroom
    count = tiles
    let gap = tiles > 1 ? 1 : 0
    cell = (headroom + height + gap, width + gap)
    let lines = (tiles + columns - 1) / columns
    var rows = [[Double?]](
      repeating: Array(repeating: nil, count: columns * cell.width - gap),
      count: lines * cell.height - gap
    )
    for (index, number) in numbers.enumerated() where number.isFinite {
      let tile = index / (height * width)
      let pixel = index % (height * width)
      let y = tile / columns * cell.height + headroom + pixel / width
      let x = tile % columns * cell.width + pixel % width
      rows[y][x] = range > 0 ? (number - low) / range : 0
    }
    pixels = rows
  }

  /// The most rows and columns of one image.
  static let mostPixels = 2048

  /// How many images there are, and how many of them are shown.
  let total: Int
  let count: Int

  private let columns: Int
  private let headroom: Int

  /// A tile with its headroom and the gap after it.
  private let cell: (height: Int, width: Int)

  /// The picture as text, two rows of pixels a line.
  ///
  /// - Parameters:
  ///   - isColored: Whether shades of grey may be used; else a pixel is there
  ///     or not.
  ///   - limit: The columns to keep to, by leaving out rows and columns.
  /// - Returns: Lines, each with its end.
  func text(
    isColored: Bool = Terminal.isColored,
    fitting limit: Int = Terminal.width ?? 120
  ) -> String {
    var output = ""
    let step = max(1, (pixels[0].count + limit - 1) / max(1, limit))
    let rows = stride(from: 0, to: pixels.count, by: step).map { y in
      stride(from: 0, to: pixels[y].count, by: step).map { pixels[y][$0] }
    }
    for y in stride(from: 0, to: rows.count, by: 2) {
      var line = ""
      for x in rows[y].indices {
        let upper = rows[y][x] ?? 0
        let lower = y + 1 < rows.count ? rows[y + 1][x] ?? 0 : 0
        if isColored {
          line += "\u{1b}[38;5;\(grey(upper));48;5;\(grey(lower))m▀"
        } else {
          switch (upper > 0.5, lower > 0.5) {
          case (true, true): line += "█"
          case (true, false): line += "▀"
          case (false, true): line += "▄"
          case (false, false): line += " "
          }
        }
      }
      output += line + (isColored ? "\u{1b}[0m\n" : "\n")
    }
    return output
  }

  /// One of the terminal's 24 shades.
  private func grey(_ brightness: Double) -> Int {
    232 + min(23, Int(brightness * 24))
  }

  /// gnuplot's script for the picture.
  ///
  /// - Parameters:
  ///   - paths: The files, whose endings choose PNG or SVG.
  ///   - labels: A text for each tile, as far as there are some.
  /// - Returns: The script with the data in it.
  func script(writing paths: [String], labels: [String]) -> String {
    let data = pixels.map { row in
      row.map { $0.map { "\(Float($0))" } ?? "NaN" }.joined(separator: " ")
    }.joined(separator: "\n")
    let width = pixels[0].count
    let scale = max(1, min(16, 1000 / max(width, pixels.count)))
    var script = """
      $pixels << END
      \(data)
      END
      set palette gray
      set margins 0,0,0,0
      unset colorbox
      unset tics
      unset border
      unset key
      set xrange [-0.5:\(width).0-0.5]
      set yrange [\(pixels.count).0-0.5:-0.5]

      """
    let style =
      headroom > 0
      ? "center front" : "front textcolor rgb 'orange'"
    for (index, label) in labels.prefix(count).enumerated() {
      let x = index % columns * cell.width + (headroom > 0 ? cell.width / 2 : 1)
      let y = index / columns * cell.height + max(2, headroom / 2)
      script += "set label \(Gnuplot.quoted(label)) at \(x),\(y) \(style)\n"
    }
    for path in paths {
      script += Gnuplot.output(
        path,
        width: max(64, width * scale),
        height: max(64, pixels.count * scale)
      )
      script += "plot $pixels matrix with image\nset output\n"
    }
    return script
  }
}

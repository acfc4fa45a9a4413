internal import ConvNet
internal import Tensors

/// The pictures of an evaluation: the confusion matrix, and a sheet of the
/// images that were taken for another digit.
struct EvaluationPlots {
  /// As many misclassified images as fit a sheet, ten by ten.
  private static let maxTiles = 100

  private let evaluation: Evaluation
  private let dataset: Dataset
  private let base: String

  /// Pictures whose paths begin with `base`.
  init(_ evaluation: Evaluation, of dataset: Dataset, base: String) {
    self.evaluation = evaluation
    self.dataset = dataset
    self.base = base
  }

  /// Makes sure that the pictures can be written, before any work.
  ///
  /// - Throws: `FileError` for a folder that can't be written into.
  static func check(base: String) throws {
    for file in files(base, "confusion") + files(base, "errors") {
      // Nothing is committed: this only asks whether one could.
      try AtomicFile(file).discard()
    }
  }

  /// Draws both pictures as SVG and as PNG.
  ///
  /// - Parameter tell: Takes what a person should know.
  /// - Throws: What reading the images throws.
  func draw(tell: (String) -> Void) throws {
    var script = confusion
    var files = Self.files(base, "confusion")
    if let sheet = try sheet() {
      let pictures = Self.files(base, "errors")
      script += "reset\n"
      script += sheet.art.script(writing: pictures, labels: sheet.labels)
      files += pictures
      if sheet.labels.count > Self.maxTiles {
        tell("the sheet shows the first \(Self.maxTiles) of them")
      }
    } else {
      tell("no image is misclassified, so there is no sheet of them")
    }
    Gnuplot.draw(script, files: files, isRequired: true, tell: tell)
  }

  private static func files(_ base: String, _ picture: String) -> [String] {
    ["svg", "png"].map { "\(base)_\(picture).\($0)" }
  }

  /// The misclassified images, each with its label and what it was taken for.
  private func sheet() throws -> (art: PixelArt, labels: [String])? {
    let wrong = dataset.labels.indices.filter {
      Int(dataset.labels[$0]) != evaluation.predictions[$0]
    }
    let shown = wrong.prefix(Self.maxTiles)
    let values = try shown.flatMap { index in
      try dataset.images.part(at: index)?.elements(as: Float.self) ?? []
    }
    let images = try Tensor(
      values,
      shape: [shown.count] + dataset.images.shape.dropFirst()
    )
    let art = try PixelArt(images, maxTiles: Self.maxTiles, headroom: 9)
    return art.map { art in
      (
        art,
        wrong.map { "\(dataset.labels[$0]) as \(evaluation.predictions[$0])" }
      )
    }
  }

  /// Each row is a digit: a cell's colour is its share of the digit's images.
  private var confusion: String {
    var cells = ""
    for (digit, row) in evaluation.confusion.enumerated() {
      let images = max(1, row.reduce(0, +))
      for (answer, count) in row.enumerated() {
        cells +=
          "\(answer) \(digit) \(count) \(Double(count) / Double(images))\n"
      }
    }
    let title =
      "\(evaluation.images) images, "
      + "\(evaluation.images - evaluation.argmaxCorrect) misclassified"
    // The root of the share lets a few errors in a thousand be seen.
    var script = """
      $cells << END
      \(cells)END
      set title \(Gnuplot.quoted(title))
      set xlabel 'predicted digit'
      set ylabel 'true digit'
      set xtics 0,1,9
      set ytics 0,1,9
      set xrange [-0.5:9.5]
      set yrange [9.5:-0.5]
      set cbrange [0:1]
      set palette defined (0 'white', 1 'navy')
      unset colorbox
      unset key
      set size square

      """
    for file in Self.files(base, "confusion") {
      script += Gnuplot.output(file, width: 640, height: 640)
      script += "plot $cells using 1:2:(sqrt($4)) with image pixels, "
      script += label("< 0.25", "black") + ", "
      script += label(">= 0.25", "white") + "\nset output\n"
    }
    return script
  }

  /// The counts of the cells whose share is on one side of a bound.
  private func label(_ bound: String, _ color: String) -> String {
    "$cells using 1:2:($4 \(bound) ? sprintf('%d', $3) : '') with labels "
      + "textcolor rgb '\(color)'"
  }
}

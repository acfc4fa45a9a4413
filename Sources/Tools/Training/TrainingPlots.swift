internal import ConvNet

/// The pictures of a training run: losses and accuracies over the epochs.
struct TrainingPlots {
  private let history: [EpochRecord]
  private let files: TrainingFiles

  init(_ history: [EpochRecord], files: TrainingFiles) {
    self.history = history
    self.files = files
  }

  /// Draws both pictures as SVG and as PNG.
  ///
  /// A run is not lost for its pictures: what goes wrong is a warning.
  ///
  /// - Parameter isRequired: Whether a missing gnuplot is worth a warning.
  func draw(isRequired: Bool) {
    guard !history.isEmpty else { return }
    let pictures = ["loss", "acc"].flatMap { picture in
      ["svg", "png"].map { files.path("_\(picture).\($0)") }
    }
    Gnuplot.draw(script, files: pictures, isRequired: isRequired) { print($0) }
  }

  private var script: String {
    var script = """
      $epochs << END
      \(rows)
      END
      set grid
      set xlabel 'epoch'
      set key outside right

      """
    for type in ["svg", "png"] {
      script += """
        \(output("_loss.\(type)"))
        set ylabel 'loss'
        plot \(line(2, "train", "green")), \(line(4, "valid", "blue"))
        \(output("_acc.\(type)"))
        set ylabel 'accuracy'
        plot \(line(3, "train", "green")), \(line(5, "valid", "blue")), \
        \(line(6, "test", "red"))
        set output

        """
    }
    return script
  }

  private func output(_ ending: String) -> String {
    Gnuplot.output(files.path(ending), width: 800, height: 500)
  }

  private var rows: String {
    history.map { record in
      let test = record.sampledTestAccuracy.map { "\($0)" } ?? "?"
      return "\(record.epoch) \(record.trainingLoss) "
        + "\(record.trainingAccuracy) \(record.validationLoss) "
        + "\(record.validationAccuracy) \(test)"
    }.joined(separator: "\n")
  }

  private func line(_ column: Int, _ title: String, _ color: String) -> String {
    "$epochs using 1:(column(\(column))) with linespoints "
      + "title '\(title)' linecolor rgb '\(color)' pointtype 7 pointsize 0.5"
  }
}

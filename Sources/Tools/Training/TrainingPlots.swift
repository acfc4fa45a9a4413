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
    do {
      try Gnuplot.run(script)
      for picture in ["loss", "acc"] {
        for type in ["svg", "png"] {
          print("saved \(files.path("_\(picture).\(type)"))")
        }
      }
    } catch .missing where !isRequired {
      Failure.report("note", "\(Gnuplot.Trouble.missing)")
    } catch {
      Failure.report("warning", "\(error)")
    }
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
    for (type, terminal) in [
      ("svg", "svg size 800,500 dynamic background 'white'"),
      ("png", "png size 800,500"),
    ] {
      script += """
        set terminal \(terminal)
        set output \(Gnuplot.quoted(files.path("_loss.\(type)")))
        set ylabel 'loss'
        plot \(line(2, "train", "green")), \(line(4, "valid", "blue"))
        set output \(Gnuplot.quoted(files.path("_acc.\(type)")))
        set ylabel 'accuracy'
        plot \(line(3, "train", "green")), \(line(5, "valid", "blue")), \
        \(line(6, "test", "red"))
        set output

        """
    }
    return script
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

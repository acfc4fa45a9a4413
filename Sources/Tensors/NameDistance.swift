/// How far two names are apart, for "did you mean".
public enum NameDistance {
  /// The name among `candidates` that is nearest to `name`.
  ///
  /// - Parameters:
  ///   - name: The name that was not found.
  ///   - candidates: Names that are there.
  /// - Returns: The nearest name; nil where none shares half of its letters.
  public static func nearest<Names: Collection<String>>(
    to name: String,
    in candidates: Names
  ) -> String? {
    guard candidates.count <= mostCandidates else { return nil }
    let letters = Array(name.utf8.prefix(mostLetters))
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let other = Array(candidate.utf8.prefix(mostLetters))
      let distance = edits(from: letters, to: other)
      let limit = max(letters.count, other.count) / 2
      if distance <= limit, distance < best?.distance ?? .max {
        best = (candidate, distance)
      }
    }
    return best?.name
  }

  // The distance takes quadratic time, so both sides have a bound.
  private static let mostLetters = 128
  private static let mostCandidates = 1000

  /// The insertions, deletions and substitutions between two names.
  private static func edits(from first: [UInt8], to second: [UInt8]) -> Int {
    var row = Array(0...second.count)
    for (index, letter) in first.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for (column, other) in second.enumerated() {
        let substitution = diagonal + (letter == other ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(
          substitution,
          min(row[column], row[column + 1]) + 1
        )
      }
    }
    return row[second.count]
  }
}

internal import Foundation

/// Chinese names in Latin letters.
enum Pinyin {
  /// A name in pinyin without tones and gaps, in lower case.
  ///
  /// - Parameter name: Chinese characters, or pinyin with or without tones,
  ///   with spaces, hyphens, apostrophes or dots between the parts.
  /// - Returns: The letters a to z; nil for a name that has others.
  static func spelling(of name: String) -> String? {
    if let plain = letters(of: name) { return plain }
    guard
      let latin = name.applyingTransform(.mandarinToLatin, reverse: false)
    else { return nil }
    // ü is written v in names, as keyboards and passports have it.
    let withV = latin.precomposedStringWithCanonicalMapping.map {
      "üǖǘǚǜÜǕǗǙǛ".contains($0) ? "v" : String($0)
    }.joined()
    guard
      let plain = withV.applyingTransform(.stripDiacritics, reverse: false)
    else { return nil }
    return letters(of: plain)
  }

  private static func letters(of text: String) -> String? {
    var result = ""
    for scalar in text.lowercased().unicodeScalars {
      switch scalar {
      case "a"..."z": result.unicodeScalars.append(scalar)
      case " ", "-", "'", "’", "·", "•", ".": continue
      default: return nil
      }
    }
    return result.isEmpty || result.utf8.count > 100 ? nil : result
  }
}

// Numbers in names: storages are called by theirs, ten thousand of them.

/// The digits of a number that is not negative.
///
/// - Parameters:
///   - number: The number; of a negative one, its absolute value.
///   - body: Reads the digits, which must not escape it.
/// - Returns: What `body` returns.
func withDecimalDigits<Result>(
  of number: Int,
  _ body: (UnsafeRawBufferPointer) -> Result
) -> Result {
  unsafe withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
    var rest = number.magnitude
    var place = digits.count
    repeat {
      place -= 1
      unsafe digits[place] = UInt8(ascii: "0") &+ UInt8(rest % 10)
      rest /= 10
    } while rest > 0
    return unsafe body(UnsafeRawBufferPointer(rebasing: digits[place...]))
  }
}

/// How many digits a number has that is not negative.
func decimalDigitCount(of number: Int) -> Int {
  var count = 1
  var rest = number.magnitude / 10
  while rest > 0 {
    count += 1
    rest /= 10
  }
  return count
}

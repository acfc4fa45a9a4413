/// PyTorch's random number generator on the CPU: mt19937, bit for bit.
///
/// After M. Matsumoto and T. Nishimura, "Mersenne Twister", 1998, with the
/// draws of PyTorch's `CPUGeneratorImpl`.
public struct TorchGenerator: Sendable, Hashable {
  static let length = 624

  /// The seed that the generator was made with.
  public let seed: UInt64

  var words: [UInt32]

  /// How many words are left before the next round; PyTorch saves it.
  var left: Int

  /// The next word's index.
  var next: Int

  /// What PyTorch keeps for its normal distribution: carried, not used.
  var tail: [UInt8]

  /// Makes what `torch.manual_seed(seed)` makes.
  ///
  /// - Parameter seed: Its lower 32 bits count, as in PyTorch.
  public init(seed: UInt64) {
    self.seed = seed
    var word = UInt32(truncatingIfNeeded: seed)
    words = [word]
    words.reserveCapacity(Self.length)
    for index in 1..<UInt32(Self.length) {
      word = 1_812_433_253 &* (word ^ (word >> 30)) &+ index
      words.append(word)
    }
    left = 1
    next = 0
    tail = Array(repeating: 0, count: Self.tailByteCount)
  }

  init(
    seed: UInt64,
    words: [UInt32],
    left: Int,
    next: Int,
    tail: [UInt8]
  ) {
    self.seed = seed
    self.words = words
    self.left = left
    self.next = next
    self.tail = tail
  }

  /// 32 random bits.
  public mutating func random() -> UInt32 {
    left -= 1
    if left == 0 { refill() }
    var word = words[next]
    next += 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9d2c_5680
    word ^= (word << 15) & 0xefc6_0000
    return word ^ (word >> 18)
  }

  /// 64 random bits, the upper half drawn first.
  public mutating func random64() -> UInt64 {
    let upper = UInt64(random())
    return upper << 32 | UInt64(random())
  }

  /// What `torch.empty((), dtype=torch.int64).random_()` draws: 0 to 2⁶³ − 1.
  public mutating func randomInt64() -> Int64 {
    Int64(random64() & UInt64(Int64.max))
  }

  /// A float from `lower` up to `upper`, as `uniform_` draws it.
  public mutating func uniform(_ lower: Float, _ upper: Float) -> Float {
    let fraction = Float(random() & 0xff_ffff) * 0x1p-24
    // PyTorch's is compiled with a fused multiplication and addition.
    return lower.addingProduct(fraction, upper - lower)
  }

  /// A double from 0 up to 1, of 53 random bits.
  public mutating func uniformDouble() -> Double {
    Double(random64() & (1 << 53 - 1)) * 0x1p-53
  }

  private mutating func refill() {
    let shift = 397
    for index in 0..<Self.length {
      let low = words[(index + 1) % Self.length]
      let mixed = (words[index] & 0x8000_0000) | (low & 0x7fff_ffff)
      let twist = (mixed >> 1) ^ (low & 1 == 0 ? 0 : 0x9908_b0df)
      words[index] = words[(index + shift) % Self.length] ^ twist
    }
    left = Self.length
    next = 0
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A growable run of plain values that grows by `realloc`.
///
/// For large runs the system moves pages instead of copying, and nothing is
/// checked for uniqueness, which an array would do at each append.
///
/// Indices are checked as an array's are, so that a mistake in this package
/// can't read foreign memory. No number of a file gets here unchecked: the
/// machine compares memo indices and lengths first, and throws.
@safe
struct RawVector<Element: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>?
  private(set) var count = 0
  private(set) var capacity = 0

  init() { unsafe base = nil }

  init(capacity: Int) {
    unsafe base = nil
    reserve(capacity)
  }

  deinit { unsafe free(base) }

  /// Makes room for `capacity` elements in all.
  mutating func reserve(_ capacity: Int) {
    guard capacity > self.capacity else { return }
    let bytes = capacity * MemoryLayout<Element>.stride
    guard let moved = unsafe realloc(base, bytes) else {
      // As the standard library's own collections do. What a file may make
      // grow is capped by PickleLimits, which throws, before it comes here.
      fatalError("out of memory")
    }
    unsafe base = moved.bindMemory(to: Element.self, capacity: capacity)
    self.capacity = capacity
  }

  @inline(never)
  private mutating func grow(_ extra: Int) {
    reserve(max(16, count + extra, capacity * 2))
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count == capacity { grow(1) }
    unsafe base.unsafelyUnwrapped[count] = element
    count &+= 1
  }

  /// Appends `size` elements that the caller fills in at once.
  ///
  /// - Parameter size: How many.
  /// - Returns: Where the first of them goes.
  @inline(__always)
  mutating func extend(by size: Int) -> UnsafeMutablePointer<Element> {
    if capacity &- count < max(size, 1) { grow(max(size, 1)) }
    let place = unsafe base.unsafelyUnwrapped + count
    count &+= size
    return unsafe place
  }

  mutating func append(from start: UnsafePointer<Element>, count size: Int) {
    guard size > 0 else { return }
    unsafe extend(by: size).update(from: start, count: size)
  }

  mutating func append(repeating element: Element, count size: Int) {
    guard size > 0 else { return }
    unsafe extend(by: size).update(repeating: element, count: size)
  }

  /// Copies `size` elements at `start` to the end.
  mutating func appendOwn(from start: Int, count size: Int) {
    precondition(start >= 0 && size >= 0 && start <= count &- size)
    guard size > 0 else { return }
    let place = unsafe extend(by: size)
    unsafe place.update(from: base.unsafelyUnwrapped + start, count: size)
  }

  @inline(__always)
  mutating func removeLast(_ size: Int = 1) {
    precondition(size >= 0 && size <= count)
    count &-= size
  }

  /// The element at a checked index.
  @inline(__always)
  subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count)
      return unsafe base.unsafelyUnwrapped[index]
    }
    set {
      precondition(index >= 0 && index < count)
      unsafe base.unsafelyUnwrapped[index] = newValue
    }
  }

  /// The element at an index that the caller has checked.
  @inline(__always)
  subscript(unchecked index: Int) -> Element {
    assert(index >= 0 && index < count)
    return unsafe base.unsafelyUnwrapped[index]
  }

  /// The elements; the pointer holds until the next change.
  var elements: UnsafeBufferPointer<Element> {
    unsafe UnsafeBufferPointer(start: base, count: count)
  }

  borrowing func copy() -> RawVector {
    var copy = RawVector(capacity: count)
    if let base = unsafe base { unsafe copy.append(from: base, count: count) }
    return copy
  }
}

extension RawVector<UInt8> {
  /// Writes a number over bytes that are there, lowest first.
  @inline(__always)
  mutating func store(littleEndian value: UInt32, at index: Int) {
    precondition(index >= 0 && index <= count &- MemoryLayout<UInt32>.size)
    unsafe UnsafeMutableRawPointer(base.unsafelyUnwrapped + index)
      .storeBytes(of: value.littleEndian, as: UInt32.self)
  }
}

import Pickle
import Testing

@Test func aListOfTwoIntegersIsDecoded() throws {
  let source = PickleSource([
    0x80, 2, 0x5d, 0x71, 0, 0x28, 0x4b, 1, 0x4b, 2, 0x65, 0x2e,
  ])
  let graph = try Unpickler.decode(source)
  #expect(graph.kind(graph.root) == .list)
  #expect(graph.children(graph.root).map { graph.int($0) } == [1, 2])
  #expect(graph.endOffset == 12)
}

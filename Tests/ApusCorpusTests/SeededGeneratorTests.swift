import ApusCorpus
import Foundation
import Testing

struct SeededGeneratorTests {
    private struct References: Decodable {
        struct Case: Decodable {
            var seed: String
            var stream: String
            var counters: [Int]
            var values: [String]
        }
        var cases: [Case]
    }

    @Test func drawsAreThoseOfAnIndependentXoshiro() throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("References/generator.json")
        let references = try JSONDecoder().decode(References.self, from: Data(contentsOf: url))
        #expect(references.cases.count == 3)
        for reference in references.cases {
            let seed = try #require(UInt64(reference.seed))
            var generator =
                switch reference.counters.count {
                case 0: SeededGenerator(seed: seed, stream: reference.stream)
                case 1: SeededGenerator(seed: seed, stream: reference.stream, reference.counters[0])
                default:
                    SeededGenerator(
                        seed: seed, stream: reference.stream, reference.counters[0],
                        reference.counters[1])
                }
            let values = reference.values.map { _ in String(generator.next()) }
            #expect(values == reference.values)
        }
    }

    @Test func everyPartMakesAStreamOfItsOwn() {
        var generators = [
            SeededGenerator(seed: 1, stream: "a"), SeededGenerator(seed: 2, stream: "a"),
            SeededGenerator(seed: 1, stream: "b"), SeededGenerator(seed: 1, stream: "a", 0),
            SeededGenerator(seed: 1, stream: "a", 1), SeededGenerator(seed: 1, stream: "a", 0, 0),
            SeededGenerator(seed: 1, stream: "a", 0, 1),
            SeededGenerator(seed: 1, stream: "a", 1, 0),
        ]
        let first = Set(generators.indices.map { generators[$0].next() })
        #expect(first.count == generators.count)
    }

    /// Chi-squared with 6 degrees of freedom stays below 22.5 with probability 0.999.
    @Test func integersAreUniform() {
        var generator = SeededGenerator(seed: 3, stream: "integers")
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[generator.integer(below: 7)] += 1 }
        let chiSquared = counts.reduce(0.0) {
            $0 + (Double($1) - 10_000) * (Double($1) - 10_000) / 10_000
        }
        #expect(chiSquared < 22.5)
    }

    @Test func unitIntervalsFillTheirRange() {
        var generator = SeededGenerator(seed: 4, stream: "unit")
        let values = (0..<10_000).map { _ in generator.unitInterval() }
        #expect(values.allSatisfy { 0 <= $0 && $0 < 1 })
        #expect(abs(values.reduce(0, +) / 10_000 - 0.5) < 0.02)
        #expect((values.min() ?? 1) < 0.01 && (values.max() ?? 0) > 0.99)
    }

    @Test func shufflesReachEveryOrder() {
        var orders: Set<[Int]> = []
        for draw in 0..<500 {
            var elements = [1, 2, 3, 4]
            var generator = SeededGenerator(seed: 5, stream: "shuffle", draw)
            generator.shuffle(&elements)
            #expect(elements.sorted() == [1, 2, 3, 4])
            orders.insert(elements)
        }
        #expect(orders.count == 24)
    }

    @Test func aBoundOfZeroTraps() async {
        await #expect(processExitsWith: .failure) {
            var generator = SeededGenerator(seed: 0, stream: "")
            _ = generator.integer(below: 0)
        }
    }
}

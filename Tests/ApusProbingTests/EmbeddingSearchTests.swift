import ApusCorpus
import ApusProbing
import ApusSignal
import Foundation
import Testing

@Suite(.serialized) struct EmbeddingSearchTests {
    private static func random(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed, stream: "search")
        return (0..<count).map { _ in Float(generator.unitInterval() - 0.5) }
    }

    private static func cosine(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
        func sum(_ x: ArraySlice<Float>, _ y: ArraySlice<Float>) -> Double {
            zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        return sum(a, b) / (sum(a, a) * sum(b, b)).squareRoot()
    }

    /// Over the edge of a block.
    @Test func neighboursAreThoseOfEveryComparison() throws {
        let (count, width) = (32_769, 5)
        let values = Self.random(count * width, seed: 1)
        let search = try EmbeddingSearch(
            ids: (0..<count).map { "v\($0)" },
            rows: FeatureMatrix(values: values, frameCount: count, featureCount: width))
        let queries = Self.random(3 * width, seed: 2)
        let found = search.nearest(to: queries, count: 7)
        #expect(found.count == 3)
        for (query, matches) in found.enumerated() {
            let own = queries[query * width..<(query + 1) * width]
            let all = (0..<count).map { Self.cosine(own, values[$0 * width..<($0 + 1) * width]) }
            let expected = all.indices.sorted { all[$0] > all[$1] }.prefix(7)
            #expect(matches.map(\.row) == Array(expected))
            for match in matches { #expect(abs(Double(match.cosine) - all[match.row]) < 1e-5) }
        }
        // A row finds itself, wherever it lies.
        for row in [0, 32_767, 32_768] {
            let match = search.nearest(
                to: Array(values[row * width..<(row + 1) * width]), count: 1)[0][0]
            #expect(match.row == row && abs(match.cosine - 1) < 1e-6)
        }
        #expect(search.nearest(to: queries, count: 40_000)[0].count == count)
    }

    @Test func equalRowsComeInTheirOrder() throws {
        let search = try EmbeddingSearch(
            ids: (0..<40).map(String.init),
            rows: FeatureMatrix(
                values: (0..<40).flatMap { [Float(1 + $0), 0] }, frameCount: 40, featureCount: 2))
        #expect(search.nearest(to: [3, 0], count: 3)[0].map(\.row) == [0, 1, 2])
    }

    @Test func duplicatesAndOutliers() throws {
        // Ten directions near the first axis, one of them twice at other lengths, and one far away.
        let count = 5000
        var rows: [[Float]] = (0..<count).map { [1, 0.1 * Float($0 % 97) / 97, 0.05, 0] }
        rows[17] = [0.3, 0.9, -0.4, 0.2]
        rows[4999] = rows[17].map { 2.5 * $0 }
        rows[2500] = [-1, 0, 0, 5]
        let search = try EmbeddingSearch(
            ids: rows.indices.map(String.init),
            rows: FeatureMatrix(
                values: rows.flatMap(\.self), frameCount: count, featureCount: 4))
        // Every 97th is a copy too: only some are asked for, but all are counted.
        let (pairs, total) = search.duplicates(above: 0.99999, count: 5)
        #expect(pairs.count == 5 && total > 100_000)
        #expect(pairs.allSatisfy { $0.first < $0.second && $0.cosine > 0.99999 })
        let few = try EmbeddingSearch(
            ids: ["a", "b", "c"],
            rows: FeatureMatrix(
                values: rows[17] + rows[2500] + rows[4999], frameCount: 3, featureCount: 4))
        let (own, all) = few.duplicates(above: 0.999, count: 10)
        #expect(own.map { [$0.first, $0.second] } == [[0, 2]] && all == 1)
        let outliers = search.outliers(count: 3, neighbours: 1)
        #expect(outliers[0].row == 2500)
        #expect(outliers[0].cosine < 0.5)
        #expect(search.outliers(count: 1, neighbours: 3)[0].row == 2500)
    }

    @Test func pairsAcrossBlocksAreFound() throws {
        let (count, width) = (32_769, 5)
        var values = Self.random(count * width, seed: 3)
        for column in 0..<width {
            values[32_768 * width + column] = 3 * values[1000 * width + column]
        }
        let (pairs, total) = try EmbeddingSearch(
            ids: (0..<count).map(String.init),
            rows: FeatureMatrix(values: values, frameCount: count, featureCount: width)
        ).duplicates(above: 0.999999, count: 4)
        #expect(total == 1 && pairs.map { [$0.first, $0.second] } == [[1000, 32_768]])
    }

    @Test func whatCannotBeSearchedIsNamed() {
        func search(_ values: [Float], _ width: Int) throws -> EmbeddingSearch {
            try EmbeddingSearch(
                ids: (0..<values.count / max(width, 1)).map(String.init),
                rows: FeatureMatrix(
                    values: values, frameCount: values.count / max(width, 1), featureCount: width))
        }
        #expect(throws: ProbingError.self) { try search([], 3) }
        #expect(throws: ProbingError.self) { try search([1, .nan, 2, 3], 2) }
        // Zeros have no direction.
        let zeros = try? search([0, 0, 1, 0], 2).nearest(to: [0, 1], count: 2)[0]
        #expect(zeros?.map(\.cosine) == [0, 0])
    }
}

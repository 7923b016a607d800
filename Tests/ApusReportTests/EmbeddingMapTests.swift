import ApusReport
import Foundation
import Testing

@Suite struct PrincipalComponentsTests {
    /// Points at (3, 4) times -1, 0, 1 and at (-4, 3) times -0.1, 0.1 about (10, 20).
    @Test func componentsOfPointsOnTwoAxes() throws {
        let points: [Float] = [13, 24, 10, 20, 7, 16, 9.6, 20.3, 10.4, 19.7]
        let analysis = PrincipalComponents(points: points, count: 5, componentCount: 2)
        #expect(abs(analysis.mean[0] - 10) < 1e-6 && abs(analysis.mean[1] - 20) < 1e-6)
        // Squared lengths 25 + 25 and 0.25 + 0.25 over N - 1 = 4.
        #expect(abs(analysis.variances[0] - 12.5) < 1e-5)
        #expect(abs(analysis.variances[1] - 0.125) < 1e-5)
        #expect(abs(analysis.components[0][0] - 0.6) < 1e-5)
        #expect(abs(analysis.components[0][1] - 0.8) < 1e-5)
        #expect(abs(analysis.components[1][0] - 0.8) < 1e-5)
        #expect(abs(analysis.components[1][1] + 0.6) < 1e-5)
        let projected = analysis.project([13, 24], count: 1)
        #expect(abs(projected[0] - 5) < 1e-4 && abs(projected[1]) < 1e-4)
    }

    /// Independent coordinates of known deviation: the leading components are those axes.
    @Test func theIterationFindsTheLeadingAxesOfManyDimensions() {
        var generator = Generator(seed: 11)
        let (count, width) = (2000, 120)
        let points = (0..<(count * width)).map { index in
            let deviation: Float = [7: 20, 50: 10, 99: 5][index % width] ?? 0.5
            return deviation * generator.normal()
        }
        let analysis = PrincipalComponents(points: points, count: count, componentCount: 3)
        for (component, axis) in zip(analysis.components, [7, 50, 99]) {
            #expect(component[axis] > 0.999)
            #expect(abs(component.reduce(0) { $0 + $1 * $1 } - 1) < 1e-9)
        }
        for (variance, expected) in zip(analysis.variances, [400.0, 100, 25]) {
            #expect(abs(variance / expected - 1) < 0.15)
        }
        // The variance along a component is that of the coordinates.
        let projected = analysis.project(points, count: count)
        let squares = (0..<count).reduce(0.0) { $0 + pow(Double(projected[3 * $1]), 2) }
        #expect(abs(squares / Double(count - 1) / analysis.variances[0] - 1) < 1e-4)
    }

    @Test func allComponentsTogetherKeepTheVariance() {
        var generator = Generator(seed: 2)
        let points = (0..<(9 * 20)).map { _ in generator.normal() }
        let analysis = PrincipalComponents(points: points, count: 20, componentCount: 50)
        #expect(analysis.components.count == 9)
        let total = (0..<9).reduce(0.0) { sum, column in
            let values = (0..<20).map { Double(points[$0 * 9 + column]) }
            let mean = values.reduce(0, +) / 20
            return sum + values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 19
        }
        #expect(abs(analysis.variances.reduce(0, +) - total) < 1e-9 * total)
        #expect(analysis.variances == analysis.variances.sorted(by: >))
    }

    @Test func pointsWithoutVarianceHaveUnitComponents() {
        let analysis = PrincipalComponents(
            points: [Float](repeating: 4, count: 40), count: 2, componentCount: 3)
        #expect(analysis.variances == [0, 0, 0])
        for component in analysis.components {
            #expect(abs(component.reduce(0) { $0 + $1 * $1 } - 1) < 1e-9)
        }
    }
}

@Suite struct EmbeddingMapTests {
    @Test func clustersStayApart() throws {
        var generator = Generator(seed: 5)
        let (count, width) = (90, 40)
        let points = (0..<(count * width)).map { index in
            generator.normal() + (index / width % 3 == index % width ? 30 : 0)
        }
        let map = try EmbeddingMap(points: points, count: count)
        #expect(map.rows == Array(0..<count))
        #expect(map.coordinates.count == 2 * count)
        func distance(_ a: Int, _ b: Int) -> Float {
            let dx = map.coordinates[2 * a] - map.coordinates[2 * b]
            let dy = map.coordinates[2 * a + 1] - map.coordinates[2 * b + 1]
            return (dx * dx + dy * dy).squareRoot()
        }
        // Every point's nearest points are those of its own cluster, all 29 of them.
        for row in 0..<count {
            let nearest = (0..<count).filter { $0 != row }
                .sorted { distance(row, $0) < distance(row, $1) }
            #expect(nearest.prefix(29).allSatisfy { $0 % 3 == row % 3 })
        }
    }

    @Test func theSamePointsGiveTheSameMap() throws {
        var generator = Generator(seed: 8)
        let points = (0..<(37 * 6)).map { _ in generator.normal() }
        let first = try EmbeddingMap(points: points, count: 37)
        let second = try EmbeddingMap(points: points, count: 37)
        #expect(first.coordinates == second.coordinates)
        #expect(allFinite(first.coordinates))
    }

    @Test func ofTooManyPointsEvenlySpacedOnesAreShown() throws {
        var generator = Generator(seed: 8)
        let points = (0..<(100 * 3)).map { _ in generator.normal() }
        let map = try EmbeddingMap(points: points, count: 100, maximumPointCount: 20)
        #expect(map.rows == Array(stride(from: 0, to: 100, by: 5)))
        #expect(map.coordinates.count == 40)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 9])
    func fewPointsAndEqualPointsHaveFiniteMaps(count: Int) throws {
        let equal = try EmbeddingMap(points: [Float](repeating: 1, count: 2 * count), count: count)
        #expect(equal.coordinates.count == 2 * count)
        #expect(allFinite(equal.coordinates))
        let spread = try EmbeddingMap(points: (0..<count).map(Float.init), count: count)
        #expect(allFinite(spread.coordinates))
        #expect(
            Set(stride(from: 0, to: 2 * count, by: 2).map { spread.coordinates[$0] }).count == count
        )
    }

    @Test func noPointsHaveAnEmptyMap() throws {
        let map = try EmbeddingMap(points: [], count: 0)
        #expect(map.coordinates.isEmpty && map.rows.isEmpty)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func aPointThatIsNotFiniteIsAnError(value: Float) {
        #expect(throws: ReportError.notFinite(what: "embeddings", row: 1)) {
            try EmbeddingMap(points: [0, 1, 2, value, 4, 5], count: 3)
        }
    }
}

private func allFinite(_ values: [Float]) -> Bool { values.allSatisfy { $0.isFinite } }

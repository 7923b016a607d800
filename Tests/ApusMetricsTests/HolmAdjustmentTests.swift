import ApusMetrics
import Testing

struct HolmAdjustmentTests {
    @Test func eachCountsForThoseThatAreNotSmaller() {
        #expect(holmAdjusted([]) == [])
        #expect(holmAdjusted([0.25]) == [0.25])
        #expect(holmAdjusted([0.25, 0.125]) == [0.25, 0.25])
        // The third would be 0.375 by itself; it isn't less than the second.
        #expect(holmAdjusted([0.375, 0.03125, 0.25]) == [0.5, 0.09375, 0.5])
        #expect(holmAdjusted([0.75, 0.75]) == [1, 1])
    }

    @Test func adjustmentAgreesWithStatsmodels() throws {
        for reference in try ComparisonReferences.load().holm {
            let found = holmAdjusted(reference.probabilities)
            #expect(found.count == reference.adjusted.count)
            for (own, expected) in zip(found, reference.adjusted) {
                #expect(abs(own - expected) < 1e-12)
            }
        }
    }
}

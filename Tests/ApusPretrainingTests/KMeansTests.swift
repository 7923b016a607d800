import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    @Suite struct KMeansTests {
        private func options(
            _ clusterCount: Int, batchSize: Int = 256, steps: Int = 200, seed: UInt64 = 1
        ) -> KMeans.Options {
            var options = KMeans.Options()
            options.clusterCount = clusterCount
            options.batchSize = batchSize
            options.steps = steps
            options.seed = seed
            return options
        }

        /// On frames of a mixture: scikit-learn's mini-batch k-means, and ten full runs of k-means.
        @Test(arguments: [1, 2, 3] as [UInt64])
        func inertiaBesideScikitLearns(seed: UInt64) throws {
            let reference = try Reference("kmeans")
            let frames = try reference.values("frames")
            let found = try KMeans(fitting: frames, width: 6, options(24, seed: seed))
            let inertia = found.inertia(of: frames)
            #expect(inertia < 1.03 * Double(try reference.values("batchInertia")[0]))
            let best = Double(try reference.values("fullInertia")[0])
            #expect(inertia > 0.98 * best && inertia < 1.08 * best)
        }

        @Test func labelsAndInertiaOfGivenCentroids() throws {
            let reference = try Reference("kmeans")
            let frames = try reference.values("frames")
            let clusters = KMeans(centroids: try reference.values("centroids"), width: 6)
            #expect(clusters.clusterCount == 24)
            let labels = clusters.labels(of: frames)
            let expected = try reference.integers("labels")
            #expect(zip(labels, expected).filter { $0 != $1 }.count <= 1)
            let inertia = try reference.values("fullInertia")
            #expect(relativeError([Float(clusters.inertia(of: frames))], inertia) < 1e-5)
        }

        /// Groups that lie far apart are found, each by its mean.
        @Test func groupsThatLieApart() throws {
            let places: [(Float, Float)] = [(0, 0), (100, 0), (0, 100), (100, 100), (-200, 50)]
            let spread: [Float] = [-1, 0, 1]
            let frames = places.flatMap { place in
                spread.flatMap { x in spread.flatMap { y in [place.0 + x, place.1 + y] } }
            }
            let found = try KMeans(fitting: frames, width: 2, options(5, batchSize: 4096))
            let labels = found.labels(of: frames)
            for group in 0..<5 { #expect(Set(labels[group * 9..<group * 9 + 9]).count == 1) }
            #expect(Set(labels).count == 5)
            // Within each group: 6 offsets of length 1 in each of two coordinates.
            #expect(abs(found.inertia(of: frames) - 5 * 12) < 0.5)
        }

        @Test func centroidsDependOnTheSeedAlone() throws {
            let frames = try Reference("kmeans").values("frames")
            let first = try KMeans(fitting: frames, width: 6, options(8, steps: 20))
            #expect(try KMeans(fitting: frames, width: 6, options(8, steps: 20)) == first)
            #expect(try KMeans(fitting: frames, width: 6, options(8, steps: 20, seed: 2)) != first)
        }

        @Test func framesThatAreAllAlike() throws {
            let found = try KMeans(
                fitting: [Float](repeating: 2, count: 40), width: 4, options(3, steps: 10))
            #expect(found.centroids == [Float](repeating: 2, count: 12))
            #expect(found.inertia(of: [2, 2, 2, 2]) == 0)
        }

        @Test func tooFewFrames() {
            let error = PretrainingError.tooFewFrames(found: 3, wanted: 4)
            #expect(throws: error) {
                try KMeans(fitting: [1, 2, 3], width: 1, options(4))
            }
            #expect(
                error.description
                    == "3 frames for 4 centroids: more recordings, or fewer centroids")
        }
    }
}

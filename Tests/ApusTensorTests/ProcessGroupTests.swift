import ApusTensor
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ProcessGroupTests {
    @Test(arguments: [1, 2, 3]) func exchanges(count: Int) throws {
        let results = try inProcesses(count) { group in
            let rank = group.place.rank
            let sums = try group.sums([1, Double(rank), 0.1])
            let sent = try group.broadcast(rank == 0 ? Data("from zero".utf8) : Data())
            let none = try group.broadcast(Data())
            let all = try group.gather(Data(repeating: UInt8(rank), count: rank * 2))
            try group.barrier()
            return (sums, sent, none, all)
        }
        for result in results {
            let (sums, sent, none, all) = try result.get()
            #expect(sums[0] == Double(count))
            #expect(sums[1] == Double(count * (count - 1) / 2))
            #expect(try sums == results[0].get().0)
            #expect(sent == Data("from zero".utf8))
            #expect(none.isEmpty)
            #expect(all == (0..<count).map { Data(repeating: UInt8($0), count: $0 * 2) })
        }
    }

    /// Rows of all processes, and the gradient of the sum of all processes' losses.
    @Test(arguments: [ScalarType.float32, .bfloat16]) func rowsHaveGradients(type: ScalarType)
        throws
    {
        let results = try inProcesses(3) { group in
            let rank = group.place.rank
            let own = Tensor([Float(rank), 10], shape: [1, 2])
            own.requiresGradient = true
            let all = group.gatherRows(own.cast(to: type))
            // The loss here is all rows times rank + 1.
            (all.cast(to: .float32).sum() * Double(rank + 1)).backward()
            return (all.floats, own.gradient?.floats)
        }
        for result in results {
            let (all, gradient) = try result.get()
            #expect(all == [0, 10, 1, 10, 2, 10])
            #expect(gradient == [6, 6])
        }
    }

    /// Gradients are summed in any number of buckets; one that a process lacks counts as zero, and one
    /// that all lack stays away.
    @Test(arguments: [(25.0, false), (1e-5, false), (1e-5, true)])
    func gradientsAreAddedUp(megabytes: Double, halves: Bool) throws {
        let results = try inProcesses(2) { group in
            let rank = group.place.rank
            let parameters = (0..<4).map { index in
                let tensor = Tensor(repeating: Double(index + 1), shape: [2, 3])
                tensor.requiresGradient = true
                return tensor
            }
            let buckets = GradientBuckets(
                of: parameters, in: group, megabytes: megabytes, halves: halves)
            var seen: [[[Float]?]] = []
            for step in 1...2 {
                for each in parameters { each.clearGradient() }
                buckets.arm()
                // Parameter 0 on both, 1 on the first, 2 on the second alone, 3 on none.
                let own = parameters[rank == 0 ? 1 : 2]
                ((parameters[0] * Double(step + rank)).sum() + own.sum()).backward()
                try buckets.reduce()
                seen.append(parameters.map { $0.gradient?.floats })
            }
            return seen
        }
        for result in results {
            for (step, gradients) in try result.get().enumerated() {
                #expect(gradients[0] == [Float](repeating: Float(2 * step + 3), count: 6))
                #expect(gradients[1] == [Float](repeating: 1, count: 6))
                #expect(gradients[2] == [Float](repeating: 1, count: 6))
                #expect(gradients[3] == nil)
            }
        }
    }

    /// Gradients of passes before the last are among those that are sent.
    @Test func accumulatedGradientsAreSentOnce() throws {
        let results = try inProcesses(2) { group in
            let (first, second) = (Tensor(ones: [2]), Tensor(ones: [2]))
            for each in [first, second] { each.requiresGradient = true }
            let buckets = GradientBuckets(of: [first, second], in: group)
            (first.sum() + second.sum() * 5).backward()
            buckets.arm()
            first.sum().backward()
            try buckets.reduce()
            return [first.gradient?.floats, second.gradient?.floats]
        }
        for result in results { #expect(try result.get() == [[4, 4], [10, 10]]) }
    }

    /// One that lives and doesn't come is named within the time.
    @Test func oneThatHangsIsNamed() throws {
        let results = try inProcesses(3, timeout: 2, closes: false) { group in
            try group.barrier()
            if group.place.rank == 1 {
                Thread.sleep(forTimeInterval: 8)
                return
            }
            try group.barrier()
        }
        for rank in [0, 2] {
            let error = #expect(throws: ProcessError.self) { try results[rank].get() }
            #expect(
                error?.description.contains("rank 1 on ") == true, "\(String(describing: error))")
        }
    }

    /// Who waits patiently waits longer than the timeout, as long as the others live.
    @Test func patienceOutlastsTheTimeout() throws {
        let results = try inProcesses(2, timeout: 1) { group in
            if group.place.rank == 1 { Thread.sleep(forTimeInterval: 3) }
            try group.barrier(patient: true)
            return group.secondsWaited
        }
        #expect(try results[0].get() > 1)
    }

    /// One that ends with an error tells the others why.
    @Test func oneThatLeavesSaysWhy() throws {
        let results = try inProcesses(3, closes: false) { group in
            try group.barrier()
            if group.place.rank == 2 {
                group.leave(CocoaError(.fileNoSuchFile))
                throw CocoaError(.fileNoSuchFile)
            }
            try group.barrier()
        }
        for rank in [0, 1] {
            let error = #expect(throws: ProcessError.self) { try results[rank].get() }
            let text = error?.description ?? ""
            #expect(text.contains("rank 2 on ") && text.contains("has stopped"), "\(text)")
        }
    }

    @Test func whoDoesNotComeIsNamed() throws {
        let place = ProcessPlace(rank: 0, count: 3, port: try freePort())
        let error = #expect(throws: ProcessError.self) { try ProcessGroup(place, joining: 1) }
        #expect(error?.description.contains("rank 1, 2") == true)
    }

    @Test func anUnreachableMeetingPlaceIsNamed() throws {
        let place = ProcessPlace(rank: 1, count: 2, port: try freePort())
        let error = #expect(throws: ProcessError.self) { try ProcessGroup(place, joining: 1) }
        #expect(error?.description.contains("127.0.0.1:\(place.port)") == true)
    }
}

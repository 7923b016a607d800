import ApusPretraining
import Testing

struct TrainingCostTests {
    private func cost() -> TrainingCost {
        TrainingCost(
            computeSecondsPerAudioHour: 900, audioSecondsPerStep: 16, gradientBytes: 400e6,
            network: .init(bandwidth: 1e9, latency: 1e-3),
            node: .init(bandwidth: 10e9, latency: 1e-4), bytesPerAudioHour: 72e6,
            readBandwidth: 100e6)
    }

    @Test func oneProcessComputesAlone() {
        let found = cost().estimate(audioHours: 10, nodes: 1)
        #expect(found.processes == 1 && found.steps == 2250)
        #expect(found.exchangeSeconds == 0)
        #expect(abs(found.computeSeconds - 4) < 1e-12)
        #expect(abs(found.readSeconds - 0.0032) < 1e-12)
        #expect(abs(found.hours - 2.5) < 1e-12)
        #expect(found.efficiency == 1)
        let twice = cost().estimate(audioHours: 10, epochs: 2, nodes: 1)
        #expect(twice.steps == 4500 && abs(twice.hours - 5) < 1e-12)
    }

    @Test func aRingSendsEachPartTwice() {
        let link = TrainingCost.Link(bandwidth: 1e9, latency: 1e-3)
        #expect(link.sumTime(bytes: 400e6, among: 1) == 0)
        #expect(abs(link.sumTime(bytes: 400e6, among: 2) - (0.4 + 0.002)) < 1e-12)
        #expect(abs(link.sumTime(bytes: 400e6, among: 8) - (0.7 + 0.014)) < 1e-12)
    }

    @Test func nodesShareTheStepsAndAddTheExchange() {
        let found = cost().estimate(audioHours: 10, nodes: 8)
        #expect(found.processes == 8 && found.steps == 282)
        #expect(abs(found.stepSeconds - 4.714) < 1e-9)
        #expect(abs(found.hours - 282 * 4.714 / 3600) < 1e-9)
        #expect(abs(found.efficiency - 4 / 4.714) < 1e-9)
        var hidden = cost()
        hidden.overlap = 1
        #expect(abs(hidden.estimate(audioHours: 10, nodes: 8).stepSeconds - 4) < 1e-12)
    }

    @Test func processesOfANodeSumFirst() {
        var four = cost()
        four.processesPerNode = 4
        let found = four.estimate(audioHours: 10, nodes: 2)
        #expect(found.processes == 8)
        let inside = 2 * 3.0 / 4 * 400e6 / 10e9 + 6 * 1e-4
        let outside = 0.4 + 0.002
        #expect(abs(found.exchangeSeconds - inside - outside) < 1e-12)
        #expect(abs(found.readSeconds - 4 * 0.0032) < 1e-12)
    }

    @Test func slowStorageIsWaitedFor() {
        var slow = cost()
        slow.readBandwidth = 50_000
        let found = slow.estimate(audioHours: 10, nodes: 1)
        #expect(abs(found.stepSeconds - 6.4) < 1e-9)
        #expect(abs(found.efficiency - 4 / 6.4) < 1e-9)
    }

    @Test func moreNodesAreNeverSlowerHere() {
        var before = Double.infinity
        for nodes in [1, 2, 4, 8, 16, 32, 64] {
            let hours = cost().estimate(audioHours: 960, nodes: nodes).hours
            #expect(hours < before)
            before = hours
        }
    }
}

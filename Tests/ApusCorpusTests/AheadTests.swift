import ApusCorpus
import Synchronization
import Testing

@Suite struct AheadTests {
    private struct Problem: Error {}

    @Test func resultsComeInOrderWhateverTheyCost() {
        for (ahead, held) in [(1, 1), (3, 5), (1000, 7), (1000, 1000)] {
            var taken: [Int] = []
            forEachInOrder(
                Array(0..<100), workers: 3, ahead: ahead, held: held, cost: { $0 % 4 },
                make: { $0 * 2 }
            ) { index, made in
                #expect(made == index * 2)
                taken.append(index)
            }
            #expect(taken == Array(0..<100))
        }
    }

    /// Beyond what is being made, nothing is begun while what waits costs enough.
    @Test func whatWaitsIsBounded() {
        let (made, taken, most) = (Counter(), Counter(), Counter())
        forEachInOrder(
            Array(0..<200), workers: 2, ahead: 1000, held: 10, cost: { _ in 5 },
            make: { item -> Int in
                made.add()
                most.raise(to: made.value - taken.value)
                return item
            }
        ) { _, _ in taken.add() }
        #expect(most.value <= 6)
    }

    @Test func elementsAndTheProblemAtTheEnd() throws {
        for ahead in [1, 2, 50] {
            var seen: [Int] = []
            var failed = false
            forEachAhead(
                ahead: ahead,
                makeSource: {
                    var next = 0
                    return {
                        next += 1
                        if next == 6 { throw Problem() }
                        return next
                    }
                }
            ) { element in
                switch element {
                case .success(let value): seen.append(value)
                case .failure: failed = true
                }
            }
            #expect(seen == [1, 2, 3, 4, 5] && failed)
        }
    }

    @Test func aSourceEndsWhereItsTakerFails() throws {
        let made = Counter()
        #expect(throws: Problem.self) {
            try forEachAhead(
                ahead: 2,
                makeSource: {
                    {
                        made.add()
                        return made.value < 1000 ? made.value : nil
                    }
                }
            ) { (element: Result<Int, any Error>) in
                if try element.get() == 3 { throw Problem() }
            }
        }
        #expect(made.value < 20)
        var failure: (any Error)?
        forEachAhead(makeSource: { throw Problem() }) { (element: Result<Int, any Error>) in
            if case .failure(let error) = element { failure = error }
        }
        #expect(failure is Problem)
    }
}

private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func add() { count.add(1, ordering: .sequentiallyConsistent) }
    func raise(to value: Int) { count.max(value, ordering: .sequentiallyConsistent) }
}

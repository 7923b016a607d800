import ApusNN
import ApusTensor
import Testing

@Suite struct TrainingDrawsTests {
    @Test func everyDrawHasASeedOfItsOwn() {
        let draws = TrainingDraws(seed: Seed(1))
        let seeds = (0..<100).map { _ in draws.next() }
        #expect(Set(seeds).count == 100)
        let again = TrainingDraws(seed: Seed(1))
        #expect((0..<100).map { _ in again.next() } == seeds)
        let other = TrainingDraws(seed: Seed(2))
        #expect(Set((0..<100).map { _ in other.next() }).isDisjoint(with: seeds))
    }

    @Test func dropoutActsInTrainingOnly() {
        let x = Tensor(ones: [100])
        #expect(x.dropout(0.5, nil).floats == x.floats)
        #expect(x.dropout(0, TrainingDraws(seed: Seed(1))).floats == x.floats)
        let draws = TrainingDraws(seed: Seed(1))
        let (first, second) = (x.dropout(0.5, draws).floats, x.dropout(0.5, draws).floats)
        #expect(first.contains(0) && first.contains(2))
        #expect(first != second)
    }

    @Test func withoutDropoutNothingIsDropped() {
        let x = Tensor(ones: [100])
        let draws = TrainingDraws(seed: Seed(1))
        Dropout.withoutAny { #expect(x.dropout(0.5, draws).floats == x.floats) }
        #expect(x.dropout(0.5, draws).floats.contains(0))
    }

    @Test func evaluationOfALayerDrawsNothing() {
        let layer = TransformerEncoderLayer(
            width: 8, headCount: 2, feedForwardWidth: 16, dropout: 0.3, seed: Seed(1))
        let x = normal(2, 5, 8, seed: 1)
        let evaluated = layer(x, padding: nil, draws: nil).floats
        #expect(evaluated == layer(x, padding: nil, draws: nil).floats)
        let trained = layer(x, padding: nil, draws: TrainingDraws(seed: Seed(1))).floats
        #expect(trained != evaluated)
        #expect(trained != layer(x, padding: nil, draws: TrainingDraws(seed: Seed(2))).floats)
    }
}

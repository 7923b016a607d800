/// A layer and a penalty with what they reach on the development part.
struct ProbeChoice {
    var layerIndex: Int
    var inverseRegularization: Double
    var accuracy: Double
    var classifier: LogisticRegression

    /// Whether this is chosen over `best`, which comes from the same layer or an earlier one: for
    /// a higher accuracy, of equals for the smaller C, of equals in both the earlier stays.
    func isBetter(than best: ProbeChoice?) -> Bool {
        guard let best else { return true }
        if accuracy != best.accuracy { return accuracy > best.accuracy }
        return inverseRegularization < best.inverseRegularization
    }
}

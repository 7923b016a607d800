// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusSignal
import ApusTensor
import Foundation

/// What masked prediction predicts: codes that a batch's features have, never trained.
protocol PredictionTargets: AnyObject {
    /// C, the codes of a frame.
    var codebookCount: Int { get }
    /// V, the values of a code.
    var codeCount: Int { get }
    /// The fixed tensors, which are saved with the model.
    var namedBuffers: [(name: String, tensor: Tensor)] { get }

    /// Reads what training needs beside the batch.
    func prepare(frontEnd: FrontEnd) throws

    /// The codes of each encoder frame: (B · S, C) integers.
    func codes(of features: Tensor, lengths: [Int], frameCount: Int) -> Tensor
}

extension PredictionTargets {
    /// Nothing beside the batch.
    func prepare(frontEnd: FrontEnd) throws {}

    /// The loss of guessing among all codes alike, and how the codes are used by the frames of some
    /// rows, as means over the codebooks.
    func figures(codes: [Int], rows: [Int]) -> [(name: String, value: Double)] {
        let C = codebookCount
        let usages = (0..<C).map { codebook in
            CodeUsage(rows.map { codes[$0 * C + codebook] }, codeCount: codeCount)
        }
        func mean(_ value: (CodeUsage) -> Double) -> Double {
            usages.reduce(0) { $0 + value($1) } / Double(C)
        }
        return [
            ("chanceLoss", log(Double(codeCount))), ("codeEntropy", mean(\.entropy)),
            ("majorityShare", mean(\.largestShare)), ("codePerplexity", mean(\.perplexity)),
            ("deadCodes", mean { Double($0.deadCount) }),
        ]
    }
}

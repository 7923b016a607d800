// How alike two recordings are to a trained encoder:
// swift run -c release Similarity runs/quickstart/cpc/model.safetensors ONE.ogg OTHER.ogg
import ApusPretraining
import ApusProbing
import ApusTensor

guard CommandLine.arguments.count == 4 else { fatalError("usage: Similarity MODEL ONE OTHER") }
Engine.start(threadCount: 2)

let model = try PretrainedModel(contentsOf: CommandLine.arguments[1])
let extractor = try EmbeddingExtractor(model)
let one = try extractor.embedding(ofFile: CommandLine.arguments[2]).values
let other = try extractor.embedding(ofFile: CommandLine.arguments[3]).values

func inner(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
let cosine = inner(one, other) / (inner(one, one) * inner(other, other)).squareRoot()
print("\(extractor.layer), \(extractor.width) numbers each, cosine \(cosine)")

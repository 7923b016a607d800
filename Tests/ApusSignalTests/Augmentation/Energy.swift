import Foundation

/// The sum of the squares of samples.
func energy(_ samples: [Float]) -> Double {
    samples.reduce(0) { $0 + Double($1) * Double($1) }
}

/// The cosine of an angle in turns.
func cosOfTurns(_ turns: Double) -> Double { cos(2 * .pi * turns) }

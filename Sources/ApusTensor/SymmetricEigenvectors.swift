import CTorch

/// The eigenvalues and eigenvectors of a symmetric matrix, in 64 bits.
///
/// - Parameters:
///   - matrix: (n, n), row by row.
///   - size: n.
/// - Returns: n eigenvalues, ascending, and n x n values: the eigenvectors of length 1, one a row.
public func symmetricEigenvectors(
    of matrix: [Double], size: Int
) -> (values: [Double], vectors: [Double]) {
    precondition(matrix.count == size * size, "\(matrix.count) values for \(size) x \(size)")
    var values = [Double](repeating: 0, count: size)
    var vectors = [Double](repeating: 0, count: size * size)
    matrix.withUnsafeBufferPointer { matrix in
        values.withUnsafeMutableBufferPointer { values in
            vectors.withUnsafeMutableBufferPointer { vectors in
                guard let matrix = matrix.baseAddress, let values = values.baseAddress,
                    let vectors = vectors.baseAddress
                else { return }
                succeed(
                    apus_symmetric_eigenvectors(matrix, Int64(size), values, vectors),
                    "symmetricEigenvectors")
            }
        }
    }
    return (values, vectors)
}

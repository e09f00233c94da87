namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public enum Reduction : long { None = 0, Mean = 1, Sum = 2 }

        public static partial class functional
        {
            private static readonly bool HasAttention = Aten.scaled_dot_product_attention.Exists;

            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) =>
                RowTimesMatrix.Suits(input, weights) ? RowTimesMatrix.Multiply(input, weights, bias) : Aten.linear.Call(input, weights, bias);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                inplace ? Aten.dropout_.InPlace(input, p, training) : Aten.dropout.Call(input, p, training);
            public static Tensor one_hot(Tensor x, long num_classes = -1) => Aten.one_hot.Call(x, num_classes);
            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5) =>
                Aten.layer_norm.Call(input, normalized_shape, weight, bias, eps);

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);
            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? Aten.relu_.InPlace(x) : x.relu();
            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? Aten.silu_.InPlace(x) : x.silu();
            public static Tensor gelu(Tensor x) => x.gelu();
            public static Tensor gelu(Tensor x, bool inplace) => inplace ? Aten.gelu_.InPlace(x) : x.gelu();
            public static Tensor sigmoid(Tensor x) => x.sigmoid();
            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => x.softplus(beta, threshold);
            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? Aten.tanh_.InPlace(x) : x.tanh();

            public static Tensor normalize(Tensor input, double p = 2, long dim = 1, double eps = 1e-12)
            {
                Tensor norm = linalg.vector_norm(input, p, [dim], keepdim: true);
                Tensor bounded = norm.clamp_min(eps), spread = Aten.expand_as.Call(bounded, input), result = input.div(spread);
                foreach (Tensor passing in (Tensor[])[norm, bounded, spread]) passing.Dispose();
                return result;
            }

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1e-8) => Aten.cosine_similarity.Call(x1, x2, dim, eps);

            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0)
            {
                if (mode == PaddingModes.Constant) return Aten.constant_pad_nd.Call(input, pad, value);
                string name = mode switch
                {
                    PaddingModes.Reflect => "reflect",
                    PaddingModes.Replicate => "replicate",
                    PaddingModes.Circular => "circular",
                    _ => throw new ArgumentException($"Unsupported padding mode {mode}", nameof(mode)),
                };
                return Aten.pad.Call(input, pad, name);
            }

            public static Tensor pad(Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, pad.ToArray(), mode, value);
            public static Tensor pad(Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, [pad.Item1, pad.Item2], mode, value);
            public static Tensor pad(Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, [pad.Item1, pad.Item2, pad.Item3, pad.Item4], mode, value);

            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean,
                double label_smoothing = 0) => Aten.cross_entropy_loss.Call(input, target, weight, (long)reduction, ignore_index, label_smoothing);
            public static Tensor nll_loss(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) =>
                Aten.nll_loss_nd.Call(input, target, weight, (long)reduction);
            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Aten.mse_loss.Call(input, target, (long)reduction);
            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) =>
                Aten.kl_div.Call(input, target, (long)reduction, log_target);

            /// <summary>
            /// softmax(q kᵀ / √d + mask) v. attn_mask is boolean (true: attend) or added to the scores. Where libtorch has no such operator
            /// (before 2.0) its forerunner of 1.13, which computes the same.
            /// </summary>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0, bool is_casual = false)
            {
                if (HasAttention) return Aten.scaled_dot_product_attention.Call(query, key, value, attn_mask, p, is_casual);
                var (result, weights) = Aten._scaled_dot_product_attention.Call2(query, key, value, attn_mask, p, false, is_casual);
                weights.Dispose();
                return result;
            }
        }
    }
}

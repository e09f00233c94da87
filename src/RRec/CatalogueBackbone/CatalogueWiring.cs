using RRec.Backbones;

namespace RRec.CatalogueBackbone;

/// <summary>Puts the weights of a catalogue backbone together: wired where the recipe says so, small seeded noise elsewhere, so that training can move everything.</summary>
internal static class CatalogueWiring
{
    public static DecoderArrays Build(BackboneConfig config, WiringLayout layout, TokenWiring tokens, CatalogueTokenizer tokenizer,
        PurchaseSequences sequences, AttributePredictor predictor, int bandCount, double saidStrength, CatalogueBackboneOptions options)
    {
        DecoderArrays weights = new(config, options.Seed + 3);
        int d = config.HiddenSize;
        for (int layer = 0; layer < config.Layers; layer++)
        {
            double bound = 1 / Math.Sqrt(d);
            foreach (string name in new[] { "gate_proj", "up_proj" }) weights.FillUniform(weights.Layer(layer, $"mlp.{name}.weight"), bound);
            weights.FillUniform(weights.Layer(layer, "mlp.down_proj.weight"), 0.001 / Math.Sqrt(config.IntermediateSize));
            Array.Fill(weights.Layer(layer, "input_layernorm.weight"), 1);
            Array.Fill(weights.Layer(layer, "post_attention_layernorm.weight"), 1);
            if (layer == 0)
            {
                foreach (string name in new[] { "q_proj", "k_proj", "v_proj" }) weights.AddNoise(weights.Layer(0, $"self_attn.{name}.weight"), 5e-5);
                weights.AddNoise(weights.Layer(0, "self_attn.o_proj.weight"), 5e-5);
                continue;
            }
            // Values stay zero: heads that nothing uses say nothing, and training the output projection alone cannot make them speak.
            foreach (string name in new[] { "q_proj", "k_proj" }) weights.FillUniform(weights.Layer(layer, $"self_attn.{name}.weight"), bound);
            weights.FillUniform(weights.Layer(layer, "self_attn.o_proj.weight"), bound);
        }
        tokens.Write(weights, tokenizer, sequences);
        weights.AddNoise(weights.Embedding, 1e-4);
        AttentionWiring attention = new(weights, layout);
        attention.Layer0(options.Decay, options.Window);
        attention.Layer1(options.NamedAttributes, saidStrength, options.Window, predictor, bandCount, tokens.AttributeSize);
        attention.FinalNorm();
        return weights;
    }
}

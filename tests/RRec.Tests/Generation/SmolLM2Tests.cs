using System.Diagnostics;
using System.Text.Json;
using RRec.Backbones;
using RRec.Generation;
using RRec.Tests.Backbones;
using RRec.Text;
using TorchSharp;
using static TorchSharp.torch;
using TextGenerator = RRec.Generation.Generator;

namespace RRec.Tests.Generation;

/// <summary>A real language model: SmolLM2-135M-Instruct, from a 4-bit file that a script beside the checkout expands to bf16 safetensors.</summary>
public class SmolLM2Tests
{
    private const string Golden = "goldens/smollm2/golden.json", Script = "models/expand-smollm2.sh";

    [GoldenFact(Golden)]
    public void Prompt_states_likelihood_and_greedy_text_are_the_references()
    {
        using DisposeScope scope = NewDisposeScope();
        string folder = Folder();
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(folder);
        using Backbone backbone = Backbone.Load(folder);
        using IDisposable noGrad = no_grad();
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Goldens.PathOf(Golden)));
        JsonElement[] prompts = [.. golden.RootElement.GetProperty("prompts").EnumerateArray()];
        foreach (JsonElement p in prompts)
        {
            int[] ids = p.GetProperty("ids").Deserialize<int[]>()!;
            using PaddedBatch batch = PaddedBatch.FromRows([ids]);
            Tensor hidden = backbone.Hidden(batch)[0];
            Tensor last = hidden[ids.Length - 1], logits = backbone.Logits(last);
            float[] first8 = p.GetProperty("last_hidden_first8").Deserialize<float[]>()!, top = p.GetProperty("last_top10_logits").Deserialize<float[]>()!;
            long[] topIds = p.GetProperty("last_top10_ids").Deserialize<long[]>()!;
            for (int i = 0; i < 8; i++) Assert.Equal(first8[i], last[i].item<float>(), 2e-3f);
            Assert.Equal(p.GetProperty("last_hidden_l2_norm").GetDouble(), last.norm().item<float>(), 1e-2);
            for (int i = 0; i < top.Length; i++) Assert.Equal(top[i], logits[topIds[i]].item<float>(), 2e-3f);
            Tensor nll = -backbone.TokenLogProbabilities(hidden.narrow(0, 0, ids.Length - 1), batch.Ids[0].narrow(0, 1, ids.Length - 1)).mean();
            Assert.Equal(p.GetProperty("prompt_mean_nll").GetDouble(), nll.item<float>(), 1e-4);
        }
        // All four greedy continuations in one batch.
        var generator = new TextGenerator(backbone, tokenizer, tokenizer.EncodePrompt(PromptText.FromControl("<answer>")));
        IReadOnlyList<Trajectory> all = generator.Generate([.. prompts.Select(p => p.GetProperty("ids").Deserialize<int[]>()!)], new GenerationOptions { MaxNewTokens = 48, LogProbabilities = true });
        for (int i = 0; i < prompts.Length; i++)
        {
            int[] expected = prompts[i].GetProperty("greedy_ids").Deserialize<int[]>()!;
            bool ended = prompts[i].GetProperty("stopped_at_eos").GetBoolean();
            string text = prompts[i].GetProperty("greedy_text_skip_special").GetString()!;
            if (all[i].Stop == StopReason.Answer)
            {
                // The reference has no stop text and goes on: up to there both are the same.
                Assert.Contains("<answer>", text);
                expected = expected[..all[i].Ids.Length];
                text = text[..text.IndexOf("<answer>", StringComparison.Ordinal)];
                Assert.StartsWith(all[i].Reasoning, text);
            }
            else
            {
                Assert.Equal(ended ? StopReason.EndOfSequence : StopReason.Length, all[i].Stop);
                if (ended) expected = expected[..^1];
                Assert.Equal(text, all[i].Reasoning);
            }
            Assert.Equal(expected, all[i].Ids);
            double[] logProbs = prompts[i].GetProperty("greedy_logprobs").Deserialize<double[]>()!;
            for (int j = 0; j < expected.Length; j++) Assert.Equal(logProbs[j], all[i].LogProbs![j], 1e-3);
        }
    }

    /// <summary>The expanded folder, made once per checkout.</summary>
    internal static string Folder()
    {
        string folder = Path.Combine(Goldens.RepositoryRoot, "artifacts", "smollm2");
        if (File.Exists(Path.Combine(folder, "model.safetensors"))) return folder;
        string beside = folder + "." + Environment.ProcessId;
        var start = new ProcessStartInfo("bash", [Goldens.PathOf(Script), beside]) { RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{Script} failed: {errors}");
        try
        {
            Directory.Move(beside, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            Directory.Delete(beside, true);   // another process was faster
        }
        return folder;
    }
}

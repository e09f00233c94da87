using System.CommandLine;
using RRec.Backbones;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>
/// What a GPU makes of a whole step at the shapes of real models with random weights: prefill and update as shares of the product rate, decoding as a share of the
/// bandwidth, both measured in the same run. Runs on a CPU too (--device cpu --shape tiny), which is how it is kept alive without a GPU.
/// </summary>
internal static class GpuBench
{
    public static Command Command()
    {
        var command = new Command("gpu", "A RecPO step on a GPU at real models' shapes (random weights): prefill, decoding, update against the device's own product rate and bandwidth.");
        Option<T> Add<T>(string name, T value, string what)
        {
            var option = new Option<T>(name) { Description = what, DefaultValueFactory = _ => value };
            command.Options.Add(option);
            return option;
        }
        Option<string> device = Add("--device", "cuda", "cuda, cuda:1 or cpu."), shape = Add("--shape", "qwen2.5-3b", BenchShapes.Names + "."), dtype = Add("--dtype", "bf16", "f32 or bf16.");
        Option<int> users = Add("--users", 4, "B."), group = Add("--group", 8, "G."), prompt = Add("--prompt", 800, "P."), completion = Add("--completion", 300, "C.");
        Option<int> perForward = Add("--users-per-forward", 1, "Users per forward pass of the update; 0: all.");
        Option<bool> checkpointing = Add("--checkpointing", false, "Layers are computed again on the way back.");
        Option<double> tera = Add("--peak-tflops", 0.0, "The device's published rate in that type, for the shares of it (H100 SXM, dense bf16: 989); 0: the measured product rate.");
        command.SetAction(r =>
        {
            string name = r.GetValue(shape)!;
            using Backbone backbone = BenchShapes.Random(BenchShapes.Config(name), torch.device(r.GetValue(device)!), BenchShapes.Type(r.GetValue(dtype)!));
            RecPOOptions options = new() { UsersPerForward = r.GetValue(perForward), GradientCheckpointing = r.GetValue(checkpointing) };
            using StepScene scene = new(backbone, r.GetValue(users), r.GetValue(group), r.GetValue(prompt), r.GetValue(completion), 64, 64, options);
            Run(scene, $"{name} {r.GetValue(dtype)} B={scene.Users} G={scene.Group} P={scene.Prompt} C={scene.Completion}", r.GetValue(tera));
        });
        return command;
    }

    private static void Run(StepScene scene, string shape, double tera)
    {
        Backbone backbone = scene.Backbone;
        BackboneConfig c = backbone.Config;
        double products = Products(backbone), bytes = Bandwidth(backbone);
        new BenchLine("gpu-gemm", $"[4096,{c.HiddenSize}]x[{c.HiddenSize},{2 * c.IntermediateSize}]", products * 1e-12, "TFLOP/s").Write();
        new BenchLine("gpu-bandwidth", "copy", bytes * 1e-9, "GB/s").Write();
        double peak = tera > 0 ? tera * 1e12 : products;

        double prefill = BenchLine.Seconds(() =>
        {
            using IDisposable noGrad = no_grad();
            using Decoding decoding = backbone.BeginDecoding(null);
            decoding.Enter(scene.Prompts, [.. Enumerable.Range(0, scene.Users)], scene.Group);
            Wait(backbone);
        }, 2);
        double rollout = BenchLine.Seconds(() => { scene.Generate(); Wait(backbone); }, 1);
        UpdateBatch batch = scene.Batch();
        double update = BenchLine.Seconds(() => { scene.Update(batch); Wait(backbone); }, 2);

        // The convention: 2 N operations a token forwards, 4 N for an update of an adapter on frozen weights, N without the embedding table.
        double parameters = Backbone.ExpectedWeights(c).Where(w => !w.Name.Contains("embed_tokens") && w.Name != "lm_head.weight").Sum(w => w.Shape.Aggregate(1.0, (a, b) => a * b));
        double head = (double)c.VocabularySize * c.HiddenSize, tokens = scene.Users * ((double)scene.Prompt + scene.Group * scene.Completion), size = backbone.Type == ScalarType.Float32 ? 4 : 2;
        new BenchLine("gpu-prefill", shape, scene.Users * (scene.Prompt - 1) / prefill, "tokens/s", Bound: peak / (2 * parameters)).Write();
        double rows = scene.Users * scene.Group, kv = 2.0 * c.Layers * c.KeyValueHeads * c.HeadSize * size;
        double perStep = (size * (parameters + head) + kv * (scene.Users * scene.Prompt + rows * scene.Completion / 2.0)) / bytes;
        new BenchLine("gpu-decode", shape, rows * (scene.Completion + 3) / (rollout - prefill), "tokens/s", Bound: rows / perStep).Write();
        double counted = 4 * (parameters * tokens + head * rows * scene.Completion);
        new BenchLine("gpu-update", shape, 1e-12 * counted / update, "TFLOP/s", Bound: peak * 1e-12).Write();
        new BenchLine("gpu-step", shape, rollout + update, "s").Write();
    }

    private static double Products(Backbone backbone)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        long h = backbone.Config.HiddenSize, m = 2L * backbone.Config.IntermediateSize;
        Tensor a = randn([4096, h], dtype: backbone.Type, device: backbone.Device), b = randn([m, h], dtype: backbone.Type, device: backbone.Device);
        const int times = 20;
        double seconds = BenchLine.Seconds(() =>
        {
            for (int i = 0; i < times; i++) nn.functional.linear(a, b).Dispose();
            Wait(backbone);
        });
        return 2.0 * 4096 * h * m * times / seconds;
    }

    // Bytes read and written a second.
    private static double Bandwidth(Backbone backbone)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor from = ones([64L << 20], dtype: ScalarType.Float32, device: backbone.Device), to = empty_like(from);
        const int times = 10;
        double seconds = BenchLine.Seconds(() =>
        {
            for (int i = 0; i < times; i++) to.copy_(from);
            Wait(backbone);
        });
        return 2.0 * sizeof(float) * from.numel() * times / seconds;
    }

    private static void Wait(Backbone backbone)
    {
        if (backbone.Device.type == DeviceType.CUDA) cuda.synchronize();
    }
}

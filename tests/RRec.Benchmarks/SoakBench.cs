using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using RRec.TestSupport;

namespace RRec.Benchmarks;

/// <summary>Thousands of tiny RecPO steps: memory must stay where it was after the first ones. One JSON line.</summary>
internal static class SoakBench
{
    // Until then code is compiled, the allocator's arenas fill, pages are touched for the first time.
    private const int Settled = 200;

    private const double Allowed = 0.02;

    public static Command Command()
    {
        Option<int> steps = new("--steps") { Description = "Steps of RecPO.", DefaultValueFactory = _ => 2000 };
        Option<bool> all = new("--all") { Description = "Print every sample too." };
        steps.Validators.Add(r => { if (r.GetValueOrDefault<int>() < Settled + 100) r.AddError($"--steps must be at least {Settled + 100}: memory is looked at from step {Settled} on."); });
        Command command = new("soak", "Many RecPO steps on a tiny world: native and managed memory must stay flat after step 200.") { steps, all };
        command.SetAction(result =>
        {
            Stopwatch clock = Stopwatch.StartNew();
            IReadOnlyList<MemorySample> samples = SoakTraining.RunApart(arguments => Children.Start(false, arguments), result.GetValue(steps), 20);
            if (result.GetValue(all))
                foreach (MemorySample s in samples) Console.WriteLine(JsonSerializer.Serialize(s));
            double resident = SoakTraining.Growth(samples, Settled, s => s.Resident), managed = SoakTraining.Growth(samples, Settled, s => s.Managed), native = SoakTraining.Growth(samples, Settled, s => s.Native);
            long tensors = samples.Where(s => s.Step >= Settled).Max(s => s.Tensors) - samples.Where(s => s.Step >= Settled).Min(s => s.Tensors);
            bool flat = resident <= Allowed && native <= Allowed && managed <= Allowed && tensors == 0;
            BenchLog.Write(JsonSerializer.Serialize(new
            {
                name = "soak", steps = samples[^1].Step, seconds = Math.Round(clock.Elapsed.TotalSeconds, 1), residentMB = Math.Round(samples[^1].Resident / 1e6, 1), nativeMB = Math.Round(samples[^1].Native / 1e6, 1), managedMB = Math.Round(samples[^1].Managed / 1e6, 2),
                residentGrowth = Math.Round(resident, 4), nativeGrowth = Math.Round(native, 4), managedGrowth = Math.Round(managed, 4), tensorsMore = tensors, flat,
            }));
            return flat ? 0 : 1;
        });
        return command;
    }
}

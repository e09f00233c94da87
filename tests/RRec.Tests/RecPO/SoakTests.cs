using System.Diagnostics;

namespace RRec.Tests.RecPO;

public sealed class SoakTests
{
    /// <summary>The short form of <c>./rrec bench soak</c>: fewer steps, and room for what the first ones still allocate.</summary>
    [Fact]
    public void Memory_does_not_grow_with_the_steps()
    {
        IReadOnlyList<MemorySample> samples = SoakTraining.RunApart(arguments => new ProcessStartInfo("dotnet", [typeof(SoakTests).Assembly.Location, .. arguments]), 60, 2);
        Assert.Equal(30, samples.Count);
        Assert.Single(samples.Where(s => s.Step >= 20).Select(s => s.Tensors).Distinct());
        Assert.InRange(SoakTraining.Drift(samples, 20, s => s.Native), 0, 0.05);
        Assert.InRange(SoakTraining.Drift(samples, 20, s => s.Managed), 0, 0.1); // of less than 2 MB
    }
}

using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Compat.Tests.Core;

public class HostTests
{
    private static IHost Host(int? contextSeed, int? hostSeed = null) => ((IHostEnvironment)new MLContext(contextSeed)).Register("R2ec", hostSeed);

    [Fact]
    public void Seeds_decide_a_hosts_random_numbers()
    {
        Assert.Equal(Numbers(Host(1)), Numbers(Host(1)));
        Assert.NotEqual(Numbers(Host(1)), Numbers(Host(2)));
        Assert.Equal(Numbers(Host(1, 5)), Numbers(Host(2, 5)));
    }

    [Fact]
    public void Hosts_of_one_context_have_random_numbers_of_their_own()
    {
        IHostEnvironment context = new MLContext(1);
        Assert.NotEqual(Numbers(context.Register("A")), Numbers(context.Register("B")));
    }

    [Fact]
    public void Hosts_share_the_catalog_of_their_context()
    {
        var ml = new MLContext(1);
        IHost host = ((IHostEnvironment)ml).Register("A");
        Assert.Same(ml.ComponentCatalog, host.ComponentCatalog);
        Assert.Same(ml.ComponentCatalog, host.Register("B").ComponentCatalog);
    }

    [Fact]
    public void Registering_an_assembly_twice_is_harmless()
    {
        var ml = new MLContext(1);
        ml.ComponentCatalog.RegisterAssembly(typeof(MLContext).Assembly);
        ml.ComponentCatalog.RegisterAssembly(typeof(MLContext).Assembly);
    }

    [Fact]
    public void Options_are_kept_by_name_and_type()
    {
        var ml = new MLContext(1);
        Assert.True(ml.TryAddOption("a", 1));
        Assert.False(ml.TryAddOption("a", 2));
        Assert.True(ml.TryGetOption("a", out int number));
        Assert.Equal(1, number);
        Assert.False(ml.TryGetOption("a", out string _));
        ml.SetOption("a", "text");
        Assert.Equal("text", ml.GetOptionOrDefault<string>("a"));
        Assert.Equal(0, ml.GetOptionOrDefault<int>("new"));
        Assert.True(ml.TryGetOption("new", out int _));
        Assert.True(ml.RemoveOption("new"));
        Assert.False(ml.RemoveOption("new"));
        Assert.Equal("name", Assert.Throws<ArgumentNullException>(() => ml.SetOption(" ", 1)).ParamName);
    }

    [Fact]
    public void Device_settings_are_off_until_set()
    {
        var ml = new MLContext(1);
        Assert.Null(ml.GpuDeviceId);
        Assert.False(ml.FallbackToCpu);
        ml.GpuDeviceId = 2;
        ml.FallbackToCpu = true;
        Assert.Equal(2, ml.GpuDeviceId);
        Assert.True(ml.FallbackToCpu);
    }

    [Fact]
    public void Exceptions_processed_by_a_context_are_marked_as_its_own()
    {
        IHostEnvironment context = new MLContext(1);
        var ex = context.Process(new InvalidOperationException("x"));
        Assert.Equal("x", ex.Message);
        Assert.True(ex.Data.Contains("ML_IsMarked"));
        Assert.Equal("Training", context.Register("R2ec").Start("Training").Process(new InvalidOperationException()).Data["Phase"]);
    }

    private static int[] Numbers(IHost host) => [.. Enumerable.Range(0, 8).Select(_ => host.Rand.Next())];
}

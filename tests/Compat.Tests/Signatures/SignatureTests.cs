using System.Reflection;

namespace Compat.Tests.Signatures;

public class SignatureTests
{
    [GoldenTheory("goldens/mlnet/signatures")]
    [InlineData("Microsoft.ML.DataView")]
    [InlineData("Microsoft.ML.Core")]
    [InlineData("Microsoft.ML.Data")]
    [InlineData("Microsoft.ML.Recommender")]
    [InlineData("Microsoft.ML.Tokenizers")]
    [InlineData("TorchSharp")]
    public void Every_visible_member_exists_in_the_published_assembly_with_the_same_signature(string assembly)
    {
        string[] published = File.ReadAllLines(Goldens.PathOf($"goldens/mlnet/signatures/{assembly}.tsv"));
        string[] ours = [.. SignatureDump.Lines(Assembly.Load(assembly))];
        // the golden leaves out parts of TorchSharp; of those we need one, which Tensor.data returns
        string[] unknown = [.. ours.Except(published, StringComparer.Ordinal).Where(line => !line.StartsWith("TorchSharp.Utils.TensorAccessor<T>\t"))];
        Assert.True(unknown.Length == 0, $"{unknown.Length} of {ours.Length} members are not published so:\n{string.Join('\n', unknown)}");
        // on the published assembly itself nothing may be missing either, or the dump would overlook members of the stand-ins
        bool isMicrosoftML = assembly.StartsWith("Microsoft.ML.");
        if (Flavour.IsPublished && isMicrosoftML) Assert.Empty(published.Except(ours, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Microsoft.ML.DataView")]
    [InlineData("Microsoft.ML.Core")]
    [InlineData("Microsoft.ML.Data")]
    [InlineData("Microsoft.ML.Recommender")]
    public void Assemblies_bear_the_published_version(string assembly)
        => Assert.Equal(new Version(1, 0, 0, 0), Assembly.Load(assembly).GetName().Version);
}

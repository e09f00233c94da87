using System.Diagnostics;
using RRec.CatalogueBackbone;
using RRec.Data;
using RRec.TestSupport;

namespace RRec.Benchmarks;

/// <summary>
/// Titles that come after the build: the backbone is made without the items that nobody has bought, they are added with <see cref="R2ecModel.WithCatalogue"/>, and validation
/// rows with such a target say how well they are ranked, beside a backbone that knew their text.
/// </summary>
internal static class AddedTitlesBench
{
    public static void Run(MovieLens data, Stopwatch clock, int seed)
    {
        bool[] bought = new bool[data.Catalogue.Count];
        foreach (PurchaseRow row in data.Train)
        {
            bought[row.Target] = true;
            foreach (int item in row.History.Items.Span) bought[item] = true;
        }
        int[] kept = [.. Enumerable.Range(0, bought.Length).Where(i => bought[i])], place = new int[bought.Length];
        for (int i = 0; i < kept.Length; i++) place[kept[i]] = i;
        Catalogue before = new([.. kept.Select(i => data.Catalogue.Items[i])], data.Catalogue.Category, data.Catalogue.CategoryPlural);
        PurchaseRow[] train = [.. data.Train.Select(r => r with { Target = place[r.Target], History = r.History with { Items = r.History.Items.ToArray().Select(i => place[i]).ToArray() } })];
        PurchaseRow[] asked = [.. data.Valid.Where(r => !bought[r.Target])];
        CatalogueExperiments.Say(clock, $"{bought.Length - kept.Length} of {bought.Length} items are added after the build; {asked.Length} validation rows have one of them as target");
        foreach (bool known in new[] { false, true })
        {
            string folder = Path.Combine(Path.GetTempPath(), "rrec-added-" + Guid.NewGuid().ToString("n"));
            try
            {
                CatalogueBackboneOptions options = new() { Seed = seed, Folds = 0 };
                using CatalogueBackboneGuide guide = CatalogueBackboneBuilder.Build(known ? data.Catalogue : before, known ? data.Train : train, options, folder);
                using R2ecModel model = R2ecModel.Open(folder, known ? data.Catalogue : before, new R2ecSettings { MaxNewTokens = 8, Temperature = 0.03, MaxItemTokens = 64, ReasoningTokens = guide.ReasoningTokens });
                model.EncodeItems();
                using R2ecModel all = model.WithCatalogue(data.Catalogue);
                foreach ((string what, PurchaseRow[] rows) in new[] { ("new targets", asked), ("every third row", data.Valid.Where((_, i) => i % 3 == 0).ToArray()) })
                    foreach (bool reasoning in new[] { false, true })
                    {
                        int[] ranks = [.. all.Recommend([.. rows.Select(r => r.History)], new RecommendRequest { K = 1, UseReasoning = reasoning, Labels = [.. rows.Select(r => r.Target)] }).Select(a => a.LabelRank!.Value)];
                        CatalogueExperiments.Say(clock, $"{(known ? "known to the build" : "added later")}, {(reasoning ? "with" : "without")} reasoning, {what}: {CatalogueExperiments.Metrics(ranks)}");
                    }
            }
            finally
            {
                if (Directory.Exists(folder)) Directory.Delete(folder, true);
            }
        }
    }
}

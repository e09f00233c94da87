using Microsoft.ML;
using RRec.CatalogueBackbone;
using RRec.RecPO;

namespace RRec.MLNet.Tests;

/// <summary>A shop small enough to train on in seconds: 36 items of three kinds, users who stay with their kind and buy the next item of it.</summary>
internal static class SmallShop
{
    public sealed class Item
    {
        public string ItemId { get; set; } = "";
        public string Title { get; set; } = "";
        public string Genres { get; set; } = "";
        public float Price { get; set; }
    }

    public sealed class Purchase
    {
        public string User { get; set; } = "";
        public string Item { get; set; } = "";
        public DateTime When { get; set; }
        public float Stars { get; set; }
    }

    public const int ItemCount = 36;
    private static readonly string[] Kinds = ["Comedy", "Drama", "Horror"];

    public static IDataView Items(MLContext ml) => ml.Data.LoadFromEnumerable(ItemRows());

    public static Item[] ItemRows() => [.. Enumerable.Range(0, ItemCount).Select(i => new Item { ItemId = $"i{i}", Title = $"{Kinds[i % 3]} number {i}", Genres = $"{Kinds[i % 3]}|Kind {i % 4}", Price = i })];

    public static IDataView Log(MLContext ml, int users = 60)
    {
        Random random = new(7);
        List<Purchase> purchases = [];
        for (int u = 0; u < users; u++)
        {
            int item = random.Next(ItemCount);
            for (int n = 0; n < 9; n++)
            {
                purchases.Add(new Purchase { User = $"u{u}", Item = $"i{item}", When = new DateTime(2024, 1, 1).AddHours(24 * n + u), Stars = 3 + random.Next(3) });
                item = (item + (random.Next(5) == 0 ? 6 : 3)) % ItemCount;
            }
        }

        return ml.Data.LoadFromEnumerable(purchases);
    }

    public static IDataView Histories(MLContext ml) => ml.Recommendation().CreatePurchaseHistories(Log(ml), "User", "Item", "When", "Stars");

    public static R2ecTrainer.Options Options(MLContext ml) => new()
    {
        Items = Items(ml),
        Category = "movie",
        ItemAttributes = [("Genres", "Genres")],
        K = 5,
        CatalogueBackbone = new CatalogueBackboneOptions { HiddenSize = 128, DistillationSteps = 40, Folds = 0, WordMerges = 200 },
        RecPO = RecPOOptions.Cpu with { MaxSteps = 2, UsersPerStep = 4, TrajectoriesPerUser = 3 },
        Seed = 3,
    };
}

"""A marketplace in the shape of Olist: 99 000 real orders, most of one item, by buyers who come once."""

from ecommerce.generate.presets.shape import Charges, DeliveryTimes, Outcomes, Preset, Refunds, Rhythm, SaleDay

MARKETPLACE = Preset(
    name="marketplace",
    title="Many sellers, one item an order, buyers who come once (the figures of Olist)",
    rhythm=Rhythm(
        # Night 9 %, morning 23 %, afternoon 32 %, evening 36 %.
        hours=(
            2.7, 1.8, 1.3, 1.0, 1.0, 1.2,
            1.7, 2.6, 3.7, 4.6, 5.1, 5.3,
            5.2, 5.3, 5.4, 5.4, 5.4, 5.3,
            6.0, 6.3, 6.5, 6.5, 5.9, 4.8,
        ),
        weekdays=(16.0, 15.8, 15.4, 14.8, 14.3, 11.0, 12.7),
        months=(0.97, 0.95, 1.00, 0.97, 1.03, 0.97, 1.00, 1.02, 0.97, 1.00, 1.10, 1.02),
        sale_days=(
            SaleDay("Mother's Day week", 5, 1.3, weekday=6, nth=2, offset=-4),
            SaleDay("eve of Black Friday", 11, 2.0, weekday=4, nth=4, offset=-1),
            SaleDay("Black Friday", 11, 7.2, weekday=4, nth=4),
            SaleDay("Saturday after", 11, 3.2, weekday=4, nth=4, offset=1),
            SaleDay("Sunday after", 11, 2.4, weekday=4, nth=4, offset=2),
            SaleDay("Cyber Monday", 11, 2.6, weekday=4, nth=4, offset=3),
            SaleDay("Christmas Day", 12, 0.5, day=25),
        ),
        noise=0.10,
    ),
    items=((1, 90.1), (2, 7.6), (3, 1.3), (4, 0.5), (5, 0.2), (6, 0.2), (10, 0.1)),
    quantities=((1, 98.0), (2, 1.6), (3, 0.4)),
    prices=(
        (0.0, 4.0), (0.05, 16.0), (0.25, 40.0), (0.50, 76.0), (0.75, 132.0),
        (0.90, 230.0), (0.95, 322.0), (0.99, 835.0), (0.999, 1980.0), (1.0, 5000.0),
    ),
    price_step=10,
    popularity=(0.95, 0.0005),
    repeat_share=0.033,
    weekly_habit=False,
    payments=(("credit_card", 73.9), ("boleto", 19.0), ("voucher", 5.6), ("debit_card", 1.5)),
    discounts=((0, 94.0), (1, 4.5), (2, 1.5)),
    sale_discounts=((0, 30.0), (1, 25.0), (2, 25.0), (3, 15.0), (5, 5.0)),
    charges=Charges(
        # Freight is the customer's, by line: median 16.3, mean 20.0, 95 % up to 45.1.
        shipping=(
            (0.0, 2.0), (0.05, 7.8), (0.25, 13.1), (0.50, 16.3), (0.75, 21.2), (0.95, 45.1), (0.99, 84.5), (1.0, 350.0),
        ),
    ),
    refunds=Refunds(partly=0.012, reason="arrived damaged"),
    delivery=DeliveryTimes(
        days=(
            (0.0, 0.8), (0.05, 3.0), (0.25, 6.8), (0.50, 10.1), (0.75, 15.7), (0.95, 29.2), (0.99, 46.0), (1.0, 90.0),
        ),
        promise_days=((0.0, 8.8), (0.25, 16.9), (0.50, 22.0), (0.75, 28.6), (1.0, 55.0)),
        promise_foresees=0.35,
        handover=(0.10, 0.45),
        daytime=(9.0, 20.0),
        weekend_handovers=0.06,
        weekend_deliveries=0.22,
    ),
    outcomes=Outcomes(cancelled=0.006, returned=0.008, stuck_in_shipped=0.011, stuck_in_pending=0.005),
    locations=(
        42.0, 13.0, 12.0, 5.5, 5.0, 3.7, 3.4, 2.1, 2.0, 2.0, 1.7, 1.4, 1.0, 0.9,
        0.7, 0.75, 0.5, 0.5, 0.5, 0.4, 0.4, 0.35, 0.3, 0.25, 0.1, 0.08, 0.07,
    ),
    categories=(
        ("Stationery", ("Notebook", "Marker Set", "Desk Organizer", "Planner", "Gift Wrap")),
        ("Telephony", ("Phone Case", "Charger", "Screen Guard", "Car Holder", "Earphones")),
        ("Housewares", ("Kettle", "Knife Set", "Storage Box", "Frying Pan", "Tumbler")),
        ("Toys", ("Puzzle", "Building Set", "Board Game", "Doll", "Remote Car")),
        ("Bed and Bath", ("Bath Towel", "Duvet", "Pillow", "Sheet Set", "Bath Mat")),
        ("Beauty", ("Perfume", "Face Cream", "Hair Dryer", "Lipstick Set", "Shaver")),
        ("Sports", ("Yoga Mat", "Dumbbells", "Bicycle Helmet", "Running Belt", "Tent")),
        ("Garden", ("Garden Hose", "Planter", "Pruning Shears", "Outdoor Lamp", "Drill")),
        ("Watches and Gifts", ("Wrist Watch", "Bracelet", "Wall Clock", "Necklace", "Gift Basket")),
        ("Furniture", ("Desk", "Bookcase", "Office Chair", "Side Table", "Shelf")),
        ("Computers", ("Keyboard", "Monitor", "Notebook Computer", "Printer", "Graphics Card")),
    ),
)  # fmt: skip

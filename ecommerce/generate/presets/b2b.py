"""A wholesaler: large baskets in large quantities, ordered by regular customers in office hours, paid by invoice."""

from ecommerce.generate.presets.shape import Charges, DeliveryTimes, Outcomes, Preset, Refunds, Rhythm, SaleDay

B2B = Preset(
    name="b2b",
    title="Large baskets in office hours, by regular customers, on invoice",
    rhythm=Rhythm(
        hours=(
            0.1, 0.1, 0.1, 0.1, 0.1, 0.2,
            0.8, 3.5, 9.0, 12.0, 12.5, 11.0,
            6.5, 9.5, 11.5, 10.5, 7.5, 3.0,
            0.8, 0.4, 0.3, 0.2, 0.2, 0.1,
        ),
        weekdays=(21.5, 20.5, 20.0, 19.5, 17.0, 0.9, 0.6),
        months=(1.00, 0.99, 1.08, 1.00, 1.00, 1.03, 0.90, 0.80, 1.06, 1.06, 1.08, 1.00),
        sale_days=(
            SaleDay("New Year's Day", 1, 0.1, day=1),
            SaleDay("Christmas Day", 12, 0.1, day=25),
            SaleDay("Boxing Day", 12, 0.2, day=26),
        ),
        noise=0.12,
    ),
    items=(
        (1, 8.0), (2, 8.0), (3, 8.0), (4, 8.0), (5, 8.0), (6, 8.0), (8, 12.0), (10, 10.0),
        (13, 9.0), (17, 7.0), (22, 6.0), (30, 5.0), (45, 2.0), (70, 1.0),
    ),
    quantities=((1, 12.0), (2, 10.0), (5, 18.0), (10, 24.0), (20, 14.0), (25, 8.0), (50, 8.0), (100, 4.0), (250, 2.0)),
    prices=(
        (0.0, 0.5), (0.05, 1.5), (0.25, 5.0), (0.50, 14.0), (0.75, 42.0), (0.95, 240.0), (0.99, 800.0), (1.0, 3500.0),
    ),
    price_step=10,
    popularity=(1.1, 0.005),
    repeat_share=0.97,
    weekly_habit=False,
    payments=(("invoice", 71.0), ("bank_transfer", 17.0), ("credit_card", 9.0), ("direct_debit", 3.0)),
    discounts=((0, 38.0), (1, 40.0), (2, 17.0), (3, 5.0)),
    sale_discounts=((0, 38.0), (1, 40.0), (2, 17.0), (3, 5.0)),
    charges=Charges(
        tax_percent=20,
        shipping=((0.0, 9.0), (0.25, 18.0), (0.50, 29.0), (0.75, 54.0), (1.0, 240.0)),
        shipping_by_order=True,
        free_shipping_from=2_500,
        currencies=(("", 86.0), ("EUR", 9.0), ("GBP", 5.0)),
        channels=(("edi", 46.0), ("portal", 38.0), ("phone", 16.0)),
    ),
    refunds=Refunds(partly=0.022, reason="wrong quantity"),
    delivery=DeliveryTimes(
        days=((0.0, 0.5), (0.05, 0.9), (0.25, 1.8), (0.50, 2.9), (0.75, 4.6), (0.95, 9.5), (0.99, 18.0), (1.0, 45.0)),
        promise_days=((0.0, 1.0), (0.05, 2.0), (0.25, 4.0), (0.50, 5.0), (0.75, 7.0), (0.95, 12.0), (1.0, 30.0)),
        promise_foresees=0.5,
        handover=(0.2, 0.6),
        daytime=(7.0, 17.0),
        weekend_handovers=0.03,
        weekend_deliveries=0.02,
    ),
    outcomes=Outcomes(cancelled=0.014, returned=0.021, stuck_in_shipped=0.001, stuck_in_pending=0.003),
    locations=(22.0, 15.0, 12.0, 10.0, 9.0, 8.0, 7.0, 5.0, 4.0, 3.0, 3.0, 2.0),
    categories=(
        ("Fasteners", ("Hex Bolts", "Wood Screws", "Washers", "Anchors", "Rivets")),
        ("Packaging", ("Carton", "Stretch Film", "Packing Tape", "Mailer", "Pallet Wrap")),
        ("Office Supplies", ("Copy Paper", "Binder", "Toner", "Labels", "Whiteboard")),
        ("Safety", ("Work Gloves", "Safety Glasses", "Hard Hat", "Vest", "Ear Plugs")),
        ("Tools", ("Torque Wrench", "Drill Bits", "Clamp", "Multimeter", "Saw Blade")),
        ("Electrical", ("Cable Reel", "Switchgear", "LED Panel", "Relay", "Junction Box")),
        ("Machines", ("Compressor", "Pallet Truck", "Pump", "Welding Set", "Generator")),
    ),
)  # fmt: skip

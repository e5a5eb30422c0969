from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.audience.places import Named, Place, locate, read_address
from dispatcher.core import region

MENTENG = "31.71.06.1001"
TEBET_BARAT = next(c for c in region.all_kelurahan() if region.name(c) == "Tebet Barat")


@pytest.mark.parametrize(
    ("named", "place"),
    [
        (Named(code="31.71.06.1001"), Place(MENTENG)),
        (Named(code="3171061001"), Place(MENTENG)),
        (Named(code="Jakarta Selatan"), Place("31.74")),
        (Named(code="??", kelurahan="Menteng"), Place(MENTENG)),
        (Named(code="??"), Place(None, "region_unknown")),
        (Named(kelurahan="Menteng"), Place(MENTENG)),
        (Named(kelurahan="Menteng", kecamatan="Menteng", city="Jakarta Pusat"), Place(MENTENG)),
        (Named(kecamatan="Kec. Menteng"), Place("31.71.06")),
        (Named(city="Jaksel"), Place("31.74")),
        (Named(province="DKI Jakarta"), Place("31")),
        (Named(kelurahan="Tebet Baratt"), Place(TEBET_BARAT, "region_spelling")),
        (Named(kelurahan="Atlantis"), Place(None, "region_unknown")),
        (Named(kelurahan="Atlantis", kecamatan="Tebet"), Place("31.74.01", "region_unknown")),
        (Named(kelurahan="Menteng", kecamatan="Tebet"), Place("31.74.01", "region_conflict")),
        (Named(kelurahan="Atlantis", city="Jakarta Pusat"), Place("31.71", "region_unknown")),
        (Named(kecamatan="Beji", city="Kota Depok", kelurahan="Kemiri Muka"), Place("32.76.06.1004")),
        (Named(city="Kota Depok", province="Jawa Barat"), Place("32.76")),
        (Named(city="Atlantis"), Place(None, "region_unknown")),
    ],
)
def test_locate(named: Named, place: Place) -> None:
    assert locate(named) == place


def test_an_ambiguous_name_keeps_what_is_sure() -> None:
    assert locate(Named(city="Bogor")) == Place(None, "region_ambiguous")
    assert locate(Named(kelurahan="Sukamaju", city="Kab. Bogor")).region == "32.01"
    assert locate(Named(kelurahan="Sukamaju", city="Kab. Bogor")).note == "region_ambiguous"


@given(st.sampled_from(region.all_kelurahan()))
def test_every_kelurahan_by_its_names(code: str) -> None:
    _, city, kecamatan = region.parents(code)
    named = Named(kelurahan=region.name(code), kecamatan=region.name(kecamatan), city=region.name(city))
    assert locate(named) == Place(code)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("Jl. Tebet Raya No 5 RT 003/RW 07 Kel. Tebet Barat, Kec. Tebet, Jakarta Selatan 12810", TEBET_BARAT),
        ("Jl Tebet Raya no 5 kelurahan tebet barat kecamatan tebet", TEBET_BARAT),
        ("Jl. Tebet Raya 5, Tebet Barat, Tebet, Jakarta Selatan", TEBET_BARAT),
        ("Jl. Tebet Raya 5, RT 3/7, Tebet Barat, Jaksel 12810", TEBET_BARAT),
        ("Jl. Margonda Raya No. 100, Kemiri Muka, Beji, Depok 16424", "32.76.06.1004"),
        ("Jl. Kebon Sirih No 1 RT 3/7, Menteng, Jakarta Pusat", "31.71.06"),
        ("rumah kuning dekat masjid", None),
    ],
)
def test_read_address(address: str, code: str | None) -> None:
    assert read_address(address).region == code


@given(st.text(max_size=60))
def test_any_address_is_read_or_not(address: str) -> None:
    place = read_address(address)
    assert place.region is None or region.parse_code(place.region)

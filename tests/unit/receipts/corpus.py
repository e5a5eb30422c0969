"""What people write, and what it means: decisions as data. One text between two bars or line ends."""

from __future__ import annotations


def lines(table: str) -> list[str]:
    return [text for row in table.strip("\n").split("\n") for text in row.split("|")]


STOPS = lines("""
STOP|stop|Stop.|  stop  |STOP!!!|"STOP"|*stop*|_STOP_|S T O P|s.t.o.p|stopp|Stoppp|STOP 🙏|🛑 stop|ＳＴＯＰ|𝐒𝐓𝐎𝐏
STOP\u200b|ST\u00adOP|stop all|STOPALL|stop sms|Stop WA|stop ya|stop dong|tolong stop|Tolong stop ya pak
mohon stop, bu
stop saja|saya mau stop|stop sms pak, terima kasih|please stop|stop please|stop thanks|STOP kirim pesan|setop|SETOP ya
BERHENTI|berhenti|Berhentiii|berenti|brenti|hentikan|mohon berhenti|saya ingin berhenti|berhenti langganan|behenti
berhenti berlangganan|UNSUB|unsubscribe|UNREG|BATAL LANGGANAN|batal langganan.|cancel|quit|opt-out|optout|berhneti
jangan kirim lagi|Jangan hubungi saya lagi!|tolong berhenti kirim sms|berhebti|unsubscibe|UNSUBSCRIBE ME|unsub please
Maaf, tolong jangan kirim sms lagi ke nomor ini|Saya tidak mau menerima pesan lagi|gak mau terima sms ini lagi, pak
mohon hapus nomor saya dari daftar|tolong hapus nomor saya|jangan wa saya lagi ya|jgn sms lagi
tidak usah kirim sms lagi
gausah kirim pesan lagi|stop kirim info ke nomor saya|hentikan mengirim pesan ke nomor ini|berhenti menghubungi saya
Please stop sending me messages|don't text me anymore|I don't want to receive these messages|remove me from this list
no more texts please|unsubscribe me from this list|take me off your list|do not contact me again|stop texting me
Cukup. Jangan kirim pesan lagi.|sudah, jangan ganggu saya lagi|salah sambung, jangan sms lagi
Saya sudah pindah, tolong jangan kirim pesan ini lagi
Saya mau batal berlangganan sms ini|semua pesan stop
""")
NOT_STOPS = lines("""
jangan berhenti|jangan stop|stop dulu ya pak, saya mau tanya|kapan berhenti?|mau berhenti ya pak?|stop atau lanjut?
bus berhenti di mana|non stop|nonstop|sop|top|stopan|tidak stop|belum mau stop|stop stop jalan|tidak berhenti
berhenti merokok|di halte stop kontak|batal|saya batal datang|batal hadir|the end|saya cancel acara lain
henti jantung|kenapa saya harus berhenti|stop hoaks|stop politik uang|ayo stop golput|👍|🙏🙏||   |...|?|0812|ya|tidak
jangan berhenti kirim info ya|tolong jangan stop kirim sms|jangan pernah berhenti|kami tidak akan berhenti berjuang
jangan sampai berhenti|please don't stop|do not stop sending|never stop|bukan stop|saya tidak mau berhenti langganan
Stop, saya mau tanya dulu|Berhenti, Pak, di depan halte|kenapa tidak berhenti kirim sms|bagaimana cara berhenti
saya berhenti kerja bulan lalu|jangan kirim uang|jangan lupa kirim undangan lagi|tidak mau menerima uang|Heni|unsur
tidak usah sms lagi, saya sudah di lokasi|jangan hubungi bapak saya, beliau sakit|hapus data anak saya dari sekolah
tolong jangan kirim hoaks lagi ke grup warga|stop menyebar berita bohong|saya stop di gang dua|STOP kontak rusak
bus tidak berhenti|pertemuan berhenti jam berapa|bisa tolong berhenti kirim sms?|can you stop by tomorrow|cancer
stop atau lanjut|end of story|HADIR atau STOP?|batalkan pesanan|hentikan politik uang|jangan hubungi bapak saya
Ok, stop hoaks
""")
STARTS = lines("""
MULAI|mulai|Mulai.|MULAI!|  mulai |"mulai"|*MULAI*|_mulai_|m.u.l.a.i|M U L A I|mulaii|Mulaiii|MULAI 🙏|✅ mulai
ＭＵＬＡＩ
mulai lagi|Mulai lagi.|MULAI LAGI!|mulai langganan|Mulai Langganan|START|start|Start.|START!|startt|S T A R T|start 👍
UNSTOP|unstop|Unstop.|SUBSCRIBE|subscribe|Subscribe!|langganan|Langganan.|LANGGANAN|langganan lagi|berlangganan
Berlangganan lagi|BERLANGGANAN|berlangganan.|lanjut|LANJUT|lanjut!|Lanjut 🙏|mualai|mulsi|muali|subscrbe|subscibe
saya mau mulai|tolong mulai lagi|mulai ya pak|mohon mulai lagi, bu|saya ingin berlangganan lagi|mau langganan lagi
please start|start please|start, thank you|mulai saja|mulai dong kak|lanjut ya|berlanganan|berlangganann|ya, lanjut
""")
HELPS = lines("""
HELP|help|Help.|HELP!|  help |"help"|*HELP*|_help_|h.e.l.p|H E L P|helpp|HELP 🙏|🆘 help|ＨＥＬＰ|help?|Help me
help me please
BANTUAN|bantuan|Bantuan.|BANTUAN!|bantuan?|"bantuan"|*bantuan*|B A N T U A N|bantuann|Bantuaan|BANTUAN 🙏
ＢＡＮＴＵＡＮ
bantu|Bantu|BANTU!|bantu?|TOLONG|tolong|Tolong!|tolong.|INFO|info|Info.|info?|INFO!|infoo|bantaun|banuan|bantuam
bntuan
minta bantuan|mohon bantuan|minta bantuan ya pak|tolong bantuan|saya mau info|minta info|mohon info, bu|info dong
tolong bantu|tolong bantu saya|mohon bantu|please help|help please|bantu ya kak|saya minta bantuan|mau info kak
info ya min
""")
HADIR = lines("""
HADIR|hadir|Hadir.|HADIR!|  hadir |"hadir"|*HADIR*|_hadir_|h.a.d.i.r|H A D I R|hadirr|Hadiiir|HADIR 🙏|✅ hadir
ＨＡＤＩＲ
Hadir 👍|Hadir pak|hadir bu|hadir ya|Ya, hadir|ya hadir|hadir, terima kasih|saya hadir|saya mau hadir, terima kasih
hadr
hadiir|hadit|ahdir|hdair|hadur|hadirt|haddir|hadi|hader|YA|ya|Ya.|ya!|yaa|Yaaa|YA 👍|ya pak|ya, bu|ya mas|iya hadir
IKUT|ikut|Ikut.|ikut!|saya ikut|mau ikut|saya mau ikut pak|ikutt|ikut 🙏|hadir ikut|ikut, hadir|ya ikut|hadir hadir
mohon maaf, hadir|halo, hadir|hadir semua|hadir min|hadir\u200b|HA\u00adDIR|hadir;|(hadir)|hadir kak|hadir deh|ya saja
""")
NO_ANSWERS = lines("""
yo|ikt|ga hadir|tak hadir|belum hadir|tidak hadir dan hadir|hadir tidak|ya tidak|hadir atau tidak|hadir setuju
ikut batal
hadir 2 orang|hadirin|hadiah|saya mau|terima kasih||👍|🙏🙏|да|はい|نعم|हाँ|...|?|123|0812345|kelas|kelas3|kelas 3
kelas11
belum setuju|tidak setuju|setuju tapi|kurang setuju|maybe|nanti|insyaallah|mungkin hadir|kapan acaranya
di mana tempatnya
siapa ini|salah nomor|saya di luar kota|hadir kalau tidak hujan|yang hadir siapa|kehadiran|menghadiri|tidakkah|yayasan
ikutan arisan|siap laksanakan|ok|oke|baik|sip|boleh|bisa|nggak|no|yes|y|t|kelas1 kelas2|KELAS1, KELAS2|hadir kelas1
""")

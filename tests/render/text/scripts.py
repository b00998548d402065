"""Long lines in many scripts."""

# ruff: noqa: RUF001 - languages have letters that look like those of others

TEXTS = {
    "Latin": "The quick brown fox jumps over the lazy dog, and Donaudampfschifffahrtsgesellschaftskapitän",
    "address": "https://www.example.org/a/very/long/address/that/does/not/end/before/the/edge.html?id=1234567890",
    "Thai": "การเดินทางไปเชียงใหม่ในช่วงฤดูหนาวเป็นประสบการณ์ที่น่าประทับใจมากสำหรับนักท่องเที่ยวจากทั่วโลก",
    "Khmer": "ភាសាខ្មែរជាភាសាផ្លូវការរបស់ព្រះរាជាណាចក្រកម្ពុជាហើយត្រូវបាននិយាយដោយប្រជាជនជាងដប់ប្រាំលាននាក់",
    "Lao": "ພາສາລາວເປັນພາສາທາງການຂອງສາທາລະນະລັດປະຊາທິປະໄຕປະຊາຊົນລາວແລະມີຜູ້ເວົ້າຫຼາຍລ້ານຄົນ",
    "Japanese": "これは非常に長い日本語の字幕で、画面の幅を超えてしまうので、自動的に折り返される必要があります。",
    "Chinese": "这是一个很长的字幕，它会超出屏幕的宽度，因此需要自动换行。",
    "Korean": "이것은 화면의 너비를 초과하는 매우 긴 자막이므로 자동으로 줄을 바꾸어야 합니다.",
    "Hindi": "यह एक बहुत लंबा हिंदी उपशीर्षक है जो स्क्रीन की चौड़ाई से अधिक है",
    "Hebrew": "זה טקסט ארוך מאוד שצריך להישבר לכמה שורות, כי אין לו מקום בשורה אחת.",
    "Arabic": "هذا نص طويل جدا يجب تقسيمه إلى عدة أسطر لأنه لا يتسع في سطر واحد.",
    "letters": "W" * 70,
    "braces": "{\\an8}{}" * 20,
}
